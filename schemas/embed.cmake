# Writes the schemas as C strings: `const char saga_schema_<name>[]`.
set(text "/* Made from the files in schemas by embed.cmake. */\n")
foreach(name ${SCHEMAS})
  file(READ ${FOLDER}/${name}.avsc content HEX)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${content}")
  string(APPEND text "extern const char saga_schema_${name}[];\nconst char saga_schema_${name}[] = {${bytes}0};\n")
endforeach()
file(WRITE ${OUTPUT} "${text}")
