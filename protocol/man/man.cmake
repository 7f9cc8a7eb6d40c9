# SPDX-License-Identifier: Apache-2.0
# Manual pages: all of them are put together in man/ of the build folder, which is what is installed.
# `man -M build/dev/man mach_msg` shows one before that.

set(MACHD_MAN_DIR "${PROJECT_BINARY_DIR}/man")
file(REMOVE_RECURSE "${MACHD_MAN_DIR}")

# machd_man_table(result pattern format): one item for each row of limits.def that matches.
function(machd_man_table result pattern format)
    set(limits "${PROJECT_SOURCE_DIR}/protocol/limits.def")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${limits}")
    file(READ "${limits}" text)
    string(REPLACE ";" "<semicolon>" text "${text}")
    string(REGEX MATCHALL "${pattern}" rows "${text}")
    set(items "")
    foreach(row ${rows})
        string(REGEX REPLACE "${pattern}" "${format}" item "${row}")
        string(APPEND items "${item}\n")
    endforeach()
    string(REPLACE "<semicolon>" ";" items "${items}")
    set(${result} "${items}" PARENT_SCOPE)
endfunction()

# Rows end in a reason, a C string.
set(reason "[ \n\t]*\"([^\"]*)\"")
machd_man_table(MACHD_MAN_LIMITS
    "\nMACHD_LIMIT\\([a-z_]+, ([A-Za-z]+), ([0-9]+), ([0-9]+), ([0-9]+),${reason}"
    ".It Cm \\1 Ns = Ns Ar number\n\\2, from \\3 to \\4: \\5.")
machd_man_table(MACHD_MAN_FIXED "\nMACHD_FIXED\\(([A-Z_]+), ([0-9]+),${reason}"
    ".It Dv \\1 Pq \\2\n\\3.")

# A name has one page.
function(machd_man_claim path)
    if(EXISTS "${path}")
        message(FATAL_ERROR "there are two pages for ${path}")
    endif()
endfunction()

# machd_man(page...): pages of the calling folder, and for each further name in a page's NAME a page
# that leads there. `X.N.in` gets the tables above in place of @MACHD_MAN_LIMITS@ and _FIXED@.
function(machd_man)
    foreach(page ${ARGN})
        set(source "${CMAKE_CURRENT_SOURCE_DIR}/${page}")
        get_filename_component(file "${page}" NAME)
        string(REGEX REPLACE "\\.in$" "" file "${file}")
        string(REGEX REPLACE "^.*\\." "" section "${file}")
        set(folder "${MACHD_MAN_DIR}/man${section}")
        machd_man_claim("${folder}/${file}")
        if(page MATCHES "\\.in$")
            configure_file("${source}" "${folder}/${file}" @ONLY)
        else()
            configure_file("${source}" "${folder}/${file}" COPYONLY)
        endif()
        file(STRINGS "${source}" names REGEX "^\\.(Nm [A-Za-z_]|Nd )")
        foreach(name ${names})
            if(name MATCHES "^\\.Nd")
                break()
            endif()
            string(REGEX REPLACE "^\\.Nm ([^ ]+).*" "\\1" name "${name}")
            if(NOT "${name}.${section}" STREQUAL file)
                machd_man_claim("${folder}/${name}.${section}")
                file(WRITE "${folder}/${name}.${section}" ".so man${section}/${file}\n")
            endif()
        endforeach()
    endforeach()
endfunction()
