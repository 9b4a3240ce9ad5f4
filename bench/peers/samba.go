//go:build linux && cgo && samba

package main

/*
#cgo pkg-config: ndr talloc
#cgo LDFLAGS: -ldl
#include "samba.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"
	"unsafe"

	"github.com/refmon/refmon/winnt"
)

// openSamba loads the library that smbd itself uses. It lies in a private
// folder of Samba's and its name varies between releases.
func openSamba() (*peer, error) {
	libraries, _ := filepath.Glob("/usr/lib/*/samba/libsamba-security-*.so*")
	more, _ := filepath.Glob("/usr/lib/*/samba/libsamba-security.so*")
	libraries = append(libraries, more...)
	if len(libraries) == 0 {
		return nil, errors.New("no libsamba-security under /usr/lib: install the package samba-libs")
	}
	path := C.CString(libraries[0])
	defer C.free(unsafe.Pointer(path))
	if why := C.samba_open(path); why != nil {
		return nil, fmt.Errorf("load %s: %s", libraries[0], C.GoString(why))
	}
	return &peer{
		name:    "Samba, C library",
		version: strings.TrimSuffix(packageVersion("samba-libs")+" "+filepath.Base(libraries[0]), " "),
		lacks: "attributes of groups (deny-only, disabled), restricted tokens, AppContainers, integrity labels, " +
			"conditional entries and central policies (4.17), object types in this call, generic rights, audit, reasons",
		prepare: prepareSamba,
	}, nil
}

// sambaAsker holds memory of the C library until the process ends.
type sambaAsker struct {
	c    *C.struct_samba_question
	once bool
}

// prepareSamba passes the descriptor and the token to Samba's C library. It returns an error if the library does not
// accept one of them.
func prepareSamba(in *input) (asker, error) {
	raw := C.CBytes(in.raw)
	defer C.free(raw)
	q := C.samba_prepare((*C.uint8_t)(raw), C.size_t(len(in.raw)), C.uint32_t(len(in.token)),
		C.uint32_t(in.kind.desired()))
	if q == nil {
		return nil, errors.New("samba does not decode the descriptor")
	}
	for i, s := range in.token {
		text := C.CString(s.String())
		ok := C.samba_add_sid(q, C.uint32_t(i), text)
		C.free(unsafe.Pointer(text))
		if !ok {
			return nil, fmt.Errorf("samba does not parse the SID %s", s)
		}
	}
	return &sambaAsker{q, in.kind == onceUsed}, nil
}

// answer returns the rights that samba grants. The error says that samba does not decode the descriptor.
func (a *sambaAsker) answer() (winnt.AccessMask, error) {
	_, err := a.ask(1)
	return winnt.AccessMask(a.c.granted), err
}

// ask makes n access checks and returns the time that they take. The error is that of answer.
func (a *sambaAsker) ask(n int) (time.Duration, error) {
	ns := C.samba_ask(a.c, C.uint64_t(n), C.bool(a.once))
	if ns < 0 {
		return 0, errors.New("samba does not decode the descriptor")
	}
	return time.Duration(ns), nil
}
