# What is installed, and the Debian package by CPack: cmake -DSAGA_PACKAGE=ON, build, cpack (./dev package).
include(GNUInstallDirs)

install(TARGETS saga RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})

# The manual's pages and what shells complete are made by the program itself, so that they say what --help says.
set(made ${CMAKE_BINARY_DIR}/made)
add_custom_command(
  OUTPUT ${made}/stamp
  COMMAND ${CMAKE_COMMAND} -E rm -rf ${made}
  COMMAND ${CMAKE_COMMAND} -E make_directory ${made}
  COMMAND saga manual --to ${made}/man1
  COMMAND saga completion bash > ${made}/saga.bash
  COMMAND saga completion zsh > ${made}/saga.zsh
  COMMAND saga completion fish > ${made}/saga.fish
  COMMAND sh -c "gzip -9n ${made}/man1/*.1"
  COMMAND ${CMAKE_COMMAND} -E touch ${made}/stamp
  DEPENDS saga VERBATIM)

option(SAGA_PACKAGE "Make the manual's pages, completion and the Debian package" OFF)
if(NOT SAGA_PACKAGE)
  return()
endif()
add_custom_target(saga_made ALL DEPENDS ${made}/stamp)

set(documents ${CMAKE_INSTALL_DATADIR}/doc/saga)
set(here ${PROJECT_SOURCE_DIR}/operations)
set(SAGA_MAINTAINER "saga maintainers <maintainers@saga.invalid>")
install(DIRECTORY ${made}/man1 DESTINATION ${CMAKE_INSTALL_MANDIR})
install(FILES ${made}/saga.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME saga)
install(FILES ${made}/saga.zsh DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions RENAME _saga)
install(FILES ${made}/saga.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
install(FILES ${here}/saga.service DESTINATION /lib/systemd/system)
install(FILES ${here}/saga.yaml ${here}/saga.env DESTINATION /etc/saga)
install(DIRECTORY DESTINATION /etc/saga/schemas)
install(FILES ${here}/debian/copyright DESTINATION ${documents})
install(FILES ${here}/debian/lintian-overrides DESTINATION ${CMAKE_INSTALL_DATADIR}/lintian/overrides RENAME saga)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/sagas DESTINATION ${documents}/examples FILES_MATCHING PATTERN "*.yaml"
        PATTERN "*.json" PATTERN "*.md" PATTERN traces EXCLUDE)
install(DIRECTORY ${here}/prometheus ${here}/grafana DESTINATION ${documents}/examples)

# Debian's own changelog, and ours.
configure_file(${here}/debian/changelog.in ${CMAKE_BINARY_DIR}/debian/changelog.Debian @ONLY)
add_custom_command(
  OUTPUT ${made}/changelogs
  COMMAND sh -c "gzip -9nc ${CMAKE_BINARY_DIR}/debian/changelog.Debian > ${CMAKE_BINARY_DIR}/debian/changelog.Debian.gz"
  COMMAND sh -c "gzip -9nc ${PROJECT_SOURCE_DIR}/CHANGELOG.md > ${CMAKE_BINARY_DIR}/debian/changelog.gz"
  COMMAND ${CMAKE_COMMAND} -E touch ${made}/changelogs
  DEPENDS ${made}/stamp ${PROJECT_SOURCE_DIR}/CHANGELOG.md VERBATIM)
add_custom_target(saga_changelogs ALL DEPENDS ${made}/changelogs)
install(FILES ${CMAKE_BINARY_DIR}/debian/changelog.Debian.gz ${CMAKE_BINARY_DIR}/debian/changelog.gz
        DESTINATION ${documents})

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME saga)
set(CPACK_PACKAGE_VENDOR saga)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_SET_DESTDIR ON) # for /etc and /lib
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ
    WORLD_EXECUTE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_MAINTAINER ${SAGA_MAINTAINER})
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "adduser, tzdata")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "ca-certificates")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "redis-server, prometheus")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
    "coordinates sagas between services that talk through Kafka
One YAML file says which command goes to which service, what every answer
leads to, and how each step is taken back. saga carries every business process
to its end or cleanly undoes it: no message is lost and none is taken twice,
whatever crashes in between, and the journal says what happened and why.
Kafka and Redis are all it needs.")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${here}/debian/postinst ${here}/debian/prerm ${here}/debian/postrm
    ${here}/debian/conffiles)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
include(CPack)
