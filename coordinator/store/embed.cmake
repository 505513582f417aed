# Writes the scripts as C strings: `const char saga_lua_<name>[]`.
set(text "/* Made by coordinator/store/embed.cmake. */\n")
foreach(name ${SCRIPTS})
  file(READ ${FOLDER}/${name}.lua content HEX)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${content}")
  string(APPEND text "extern const char saga_lua_${name}[];\n")
  string(APPEND text "const char saga_lua_${name}[] = {${bytes}0};\n")
endforeach()
file(WRITE ${OUTPUT} "${text}")
