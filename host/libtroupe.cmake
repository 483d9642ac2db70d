# libtroupe: the host as a library, shared and static, and both ways to find it installed.
# What it exports are the functions marked TROUPE_API; libtroupe.map says the same to the linker.
include(CMakePackageConfigHelpers)

set(objects "")
set(externals Threads::Threads)
foreach(folder IN LISTS TROUPE_FOLDERS)
  get_target_property(type troupe-${folder} TYPE)
  if(NOT folder MATCHES "^(cli|prober)$" AND type STREQUAL STATIC_LIBRARY)
    list(APPEND objects $<TARGET_OBJECTS:troupe-${folder}>)
    list(APPEND externals ${external_${folder}})
  endif()
endforeach()
list(REMOVE_DUPLICATES externals)

set(embed_headers ${CMAKE_CURRENT_SOURCE_DIR}/app/include)
set(embed_map ${CMAKE_CURRENT_SOURCE_DIR}/libtroupe.map)
add_library(libtroupe SHARED ${objects})
set_target_properties(libtroupe PROPERTIES
  OUTPUT_NAME troupe LINKER_LANGUAGE C LINK_DEPENDS ${embed_map}
  VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR})
target_link_options(libtroupe PRIVATE -Wl,--version-script=${embed_map})
target_link_libraries(libtroupe PRIVATE ${externals} PUBLIC troupe::sdk)
target_include_directories(libtroupe PUBLIC $<BUILD_INTERFACE:${embed_headers}>)

# One object in the archive, in which all but the API has become local: names such as msg_alloc are the
# program's to use.
set(archive ${CMAKE_CURRENT_BINARY_DIR}/libtroupe.a)
set(whole ${CMAKE_CURRENT_BINARY_DIR}/libtroupe.o)
if(TROUPE_LTO AND TROUPE_HAS_LTO AND CMAKE_C_COMPILER_ID STREQUAL GNU)
  set(no_lto -O2 -flto -flinker-output=nolto-rel)
endif()
add_custom_command(OUTPUT ${archive}
  COMMAND ${CMAKE_C_COMPILER} -r -nostdlib ${no_lto} ${objects} -o ${whole}
  COMMAND ${CMAKE_OBJCOPY} --localize-hidden ${whole}
  COMMAND ${CMAKE_COMMAND} -E rm -f ${archive}
  COMMAND ${CMAKE_AR} qcs ${archive} ${whole}
  DEPENDS ${objects} COMMAND_EXPAND_LISTS VERBATIM)
add_custom_target(libtroupe-static ALL DEPENDS ${archive})

install(TARGETS libtroupe LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES ${archive} DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY ${embed_headers}/troupe DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})

set(TROUPE_PC_PRIVATE yaml-0.1 libuv jansson libmd)
# libdw and libelf by their names alone: what their .pc name is for static ones, and Debian installs it only in part.
set(TROUPE_PC_LIBS -lpthread)
if(TROUPE_LIBDW)
  string(APPEND TROUPE_PC_LIBS " -ldw -lelf")
endif()
list(JOIN TROUPE_PC_PRIVATE ", " TROUPE_PC_PRIVATE)
set(pc_folder ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
file(RELATIVE_PATH TROUPE_PC_PREFIX /prefix/${pc_folder} /prefix)
configure_file(troupe.pc.in troupe.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/troupe.pc DESTINATION ${pc_folder})

set(cmake_folder ${CMAKE_INSTALL_LIBDIR}/cmake/Troupe)
configure_package_config_file(
  TroupeConfig.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/TroupeConfig.cmake
  INSTALL_DESTINATION ${cmake_folder}
  PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_LIBDIR)
write_basic_package_version_file(
  ${CMAKE_CURRENT_BINARY_DIR}/TroupeConfigVersion.cmake COMPATIBILITY SameMajorVersion)
install(
  FILES ${CMAKE_CURRENT_BINARY_DIR}/TroupeConfig.cmake
        ${CMAKE_CURRENT_BINARY_DIR}/TroupeConfigVersion.cmake
  DESTINATION ${cmake_folder})
