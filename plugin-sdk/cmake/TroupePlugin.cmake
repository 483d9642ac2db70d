# troupe_add_plugin(<target> [OUTPUT_NAME <file name without .so>] <source>...)
#
# Builds a Troupe plugin: <target>.so, or OUTPUT_NAME.so. The flags keep a plugin loadable beside
# itself (several generations at once), unloadable, and readable in a backtrace.

set_property(GLOBAL PROPERTY TROUPE_PLUGIN_COMPILE_FLAGS
    -fvisibility=hidden -fasynchronous-unwind-tables -fstack-clash-protection)
# Refuse what the host does not provide at build time, bind at load time, no SONAME: a plugin is
# never somebody's dependency.
set_property(GLOBAL PROPERTY TROUPE_PLUGIN_LINK_FLAGS
    -Wl,-z,defs -Wl,-z,now -Wl,-z,relro -Wl,-z,noexecstack -Wl,--build-id=sha1)

function(troupe_add_plugin target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "OUTPUT_NAME" "")
  if(NOT arg_OUTPUT_NAME)
    set(arg_OUTPUT_NAME ${target})
  endif()
  if(NOT arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "troupe_add_plugin: plugin '${target}' has no sources")
  endif()
  add_library(${target} MODULE ${arg_UNPARSED_ARGUMENTS})
  set_target_properties(${target} PROPERTIES
    PREFIX "" SUFFIX ".so" OUTPUT_NAME ${arg_OUTPUT_NAME} POSITION_INDEPENDENT_CODE ON
    NO_SONAME ON)
  target_link_libraries(${target} PRIVATE troupe::sdk)
  # gcc alone makes symbols that keep a library from being unloaded, and knows the flag against it.
  get_property(compile_flags GLOBAL PROPERTY TROUPE_PLUGIN_COMPILE_FLAGS)
  target_compile_options(${target} PRIVATE ${compile_flags}
    $<$<COMPILE_LANG_AND_ID:C,GNU>:-fno-gnu-unique>
    $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-fno-gnu-unique>)
  get_property(link_flags GLOBAL PROPERTY TROUPE_PLUGIN_LINK_FLAGS)
  if(TROUPE_SANITIZE AND CMAKE_C_COMPILER_ID MATCHES Clang)
    # clang leaves the sanitizer's symbols to the executable, which has only those of C.
    target_compile_options(${target} PRIVATE
      $<$<COMPILE_LANGUAGE:CXX>:-fno-sanitize=function$<COMMA>vptr>)
    list(REMOVE_ITEM link_flags -Wl,-z,defs)
  endif()
  target_link_options(${target} PRIVATE ${link_flags})
endfunction()
