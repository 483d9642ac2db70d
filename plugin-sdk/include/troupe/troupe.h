/* Everything a plugin needs: include this one. */
#pragma once

#include <troupe/abi.h>
#include <troupe/actor.h>
#include <troupe/config.h>
#include <troupe/host.h>
#include <troupe/message.h>
#include <troupe/note.h>
#include <troupe/plugin.h>
#include <troupe/text.h>
