# Writes files as C strings: `const char <PREFIX><name>[]` for each of NAMES, from FOLDER/<name>.<EXTENSION>.
set(text "/* Made by coordinator/embed.cmake. */\n")
foreach(name ${NAMES})
  file(READ ${FOLDER}/${name}.${EXTENSION} content HEX)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${content}")
  string(APPEND text "extern const char ${PREFIX}${name}[];\n")
  string(APPEND text "const char ${PREFIX}${name}[] = {${bytes}0};\n")
endforeach()
file(WRITE ${OUTPUT} "${text}")
