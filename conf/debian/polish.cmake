# SPDX-License-Identifier: Apache-2.0
# Run by cpack on what was installed, before it is packed: manual pages and changelogs are
# compressed, in the way that gives the same bytes each time.

foreach(component ${CPACK_COMPONENTS_ALL})
    set(top "${CPACK_TEMPORARY_DIRECTORY}/${component}")
    file(GLOB_RECURSE pages "${top}/usr/share/man/*.[1-8]" "${top}/usr/share/doc/*/changelog*")
    foreach(page ${pages})
        # A page that only leads to another one is a link.
        file(STRINGS "${page}" first LIMIT_COUNT 1)
        if(first MATCHES "^\\.so man[1-8]/(.*)$")
            file(REMOVE "${page}")
            file(CREATE_LINK "${CMAKE_MATCH_1}.gz" "${page}.gz" SYMBOLIC)
        else()
            execute_process(COMMAND gzip -9n "${page}" COMMAND_ERROR_IS_FATAL ANY)
        endif()
    endforeach()
endforeach()
