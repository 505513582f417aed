/* What the files of the server share. */
#ifndef SAGA_HTTP_SERVER_H
#define SAGA_HTTP_SERVER_H

#include <pthread.h>

#include "bus/sender.h"
#include "http/exchange.h"
#include "http/http.h"

struct MHD_Daemon;
struct saga_gate;
struct saga_known;
struct saga_pool;
struct saga_waiting;
struct saga_changes;
struct saga_what_ifs;
struct saga_letter_notes;

/* What the files hold; certificate NULL: no TLS. */
struct saga_http_pem {
    char *certificate, *key, *client_ca;
};

struct saga_http {
    const struct saga_config *config;
    struct saga_daemon *coordinator; /* whose workers the API tells of */
    struct saga_arena arena;         /* what lives as long as the server */
    struct saga_topics topics;
    struct MHD_Daemon *daemon;
    uint16_t port;
    bool loopback, tls;
    struct saga_http_pem pem;
    int listener; /* below 0: MHD has it, or there is none */

    struct saga_gate *gate;                 /* who may do what (gate.h) */
    struct saga_sender *sender;             /* of starts and of what operators say */
    struct saga_known *known;               /* what is deployed (known.h) */
    struct saga_pool *quick;                /* threads that ask Redis only */
    struct saga_pool *slow;                 /* threads that ask Kafka, or wait for an answer */
    struct saga_waiting *waiting;           /* who waits for the end of a saga (waiting.h) */
    struct saga_changes *changes;           /* who listens (changes.h) */
    struct saga_what_ifs *what_ifs;         /* (what_if.h) */
    struct saga_letter_notes *letter_notes; /* what was done about dead letters, as last read */

    pthread_t keeper; /* looks after slow clients */
    atomic_bool stopping;
    pthread_mutex_t lock; /* of the list of connections */
    struct saga_peer *peers;
    int64_t log_second; /* of refusals (peers.c) */
    unsigned logged;
    atomic_size_t bodies_bytes; /* of all exchanges */
    atomic_uint in_hand;        /* exchanges that are not answered yet */
};

/* ---- routes.c ---- */

enum saga_http_place {
    SAGA_PLACE_HERE,  /* on the network's thread: waits for nothing */
    SAGA_PLACE_QUICK, /* asks Redis */
    SAGA_PLACE_SLOW   /* asks Kafka */
};

struct saga_http_route {
    const char *method;
    const char *path; /* segments; {…} is any one */
    enum saga_http_role role;
    enum saga_http_place place;
    const char *body; /* content type; NULL: none is read */
    size_t body_bytes_max;
    const char *parameters; /* names of the query, each with a space behind it; NULL: any */
    void (*handle)(struct saga_exchange *x);
};

/* Finds the route and sets the path's values; else answers 404 or 405. */
bool saga_http_route(struct saga_exchange *x);

/* ---- server.c ---- */

/* The exchange is complete: from another thread than the network's, with nothing of it touched behind. */
void saga_exchange_complete(struct saga_exchange *x);

/* ---- life.c ---- */

/* The calling thread, and those that it makes, stand back behind the others: a nice value higher by so much. */
void saga_http_yield(int by);

/* ---- pool.c: threads that handle requests, each with connections of its own ---- */

int saga_pool_new(struct saga_http *http, unsigned threads, struct saga_pool **ret);
void saga_pool_free(struct saga_pool *pool);
/* False: too many wait already. */
bool saga_pool_add(struct saga_pool *pool, struct saga_exchange *x);

/* A call's surroundings for a thread of the server. */
void saga_http_call_init(struct saga_http *http, struct saga_call *call);
void saga_http_call_free(struct saga_call *call);

/* ---- sagas.c ---- */

/* The member "warnings" of an answer, where there are any: why what Redis tells may be old, or not all. */
void saga_exchange_add_warnings(struct saga_exchange *x, uint32_t lanes, json_t *object);

/* ---- the handlers, by file ---- */

void saga_http_live(struct saga_exchange *x); /* service.c */
void saga_http_ready(struct saga_exchange *x);
void saga_http_contract(struct saga_exchange *x);
void saga_http_metrics(struct saga_exchange *x);
void saga_http_me(struct saga_exchange *x);
void saga_http_topology(struct saga_exchange *x);
void saga_http_file(struct saga_exchange *x);   /* files.c */
void saga_http_events(struct saga_exchange *x); /* changes.c */
void saga_http_counts(struct saga_exchange *x); /* sagas.c */
void saga_http_figures(struct saga_exchange *x);
void saga_http_list(struct saga_exchange *x);
void saga_http_saga(struct saga_exchange *x);
void saga_http_saga_graph(struct saga_exchange *x);
void saga_http_history(struct saga_exchange *x);     /* story.c */
void saga_http_start_saga(struct saga_exchange *x);  /* start.c */
void saga_http_order(struct saga_exchange *x);       /* orders.c */
void saga_http_definitions(struct saga_exchange *x); /* definitions.c */
void saga_http_definition(struct saga_exchange *x);
void saga_http_definition_changes(struct saga_exchange *x);
void saga_http_check(struct saga_exchange *x);
void saga_http_deploy(struct saga_exchange *x);
void saga_http_what_if(struct saga_exchange *x); /* what_if.c */
void saga_http_letters(struct saga_exchange *x); /* letters.c */
void saga_http_letter(struct saga_exchange *x);
void saga_http_resend(struct saga_exchange *x);
void saga_http_drop(struct saga_exchange *x);
void saga_http_operations(struct saga_exchange *x); /* operations.c */
void saga_http_start_job(struct saga_exchange *x);  /* jobs.c */
void saga_http_jobs(struct saga_exchange *x);
void saga_http_job(struct saga_exchange *x);
void saga_http_stop_job(struct saga_exchange *x);

#endif
