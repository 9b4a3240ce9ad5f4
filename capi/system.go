//go:build cgo && linux

package main

/*
#define _GNU_SOURCE
#include <stdlib.h>
*/
import "C"

import (
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/filetime"
	"github.com/refmon/refmon/internal/marshal"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// thread is the NT thread that stands for a pthread of the program. Only that pthread uses it.
type thread struct {
	nt              *nt.Thread
	sys             nt.Services
	profile         nt.Profile
	id              winnt.Handle // of the thread object
	face            *face        // its kernel-mode face, nil until it is used
	number          uint64       // names the thread object in calls; never given to another
	now             call         // under way
	*marshal.Memory              // of its pthread; its face has the same
}

// embedded is the kernel in this process, booted by the first call.
var embedded = sync.OnceValues(boot)

// threads is the list of thread objects. The low 32 bits of a thread's number are its place in the list, counted from
// 1. The high 32 bits count the earlier owners of that place, so that no number is used twice.
var (
	threads   atomic.Pointer[[]*thread]
	threadsMu sync.Mutex // guards free and writes of threads
	free      []uint64   // guarded by threadsMu: numbers for the places of ended threads
)

// nextOwner is added to a number when its place comes free.
const nextOwner = 1 << 32

// threadByID returns the thread object with a number, nil if it has ended or never was. It takes no lock.
func threadByID(id uint64) *thread {
	list := threads.Load() // nil: no thread was ever attached
	if place := uint32(id) - 1; list != nil && place < uint32(len(*list)) {
		if t := (*list)[place]; t != nil && t.number == id {
			return t
		}
	}
	return nil
}

// user SIDs of the built-in profiles, in a domain that does not exist.
var (
	administratorUser = sid.MustParse("S-1-5-21-1000000001-1000000002-1000000003-500")
	standardUser      = sid.MustParse("S-1-5-21-1000000001-1000000002-1000000003-1001")
)

// clock returns the time as a FILETIME.
func clock() int64 {
	return filetime.Of(time.Now())
}

// environment returns a variable of the environment, "" if it is not set.
func environment(name string) string {
	// The caller of a set-user-id program chooses the environment, and must choose neither the token that the program
	// checks nor the server that it believes (W-103).
	text := C.CString(name)
	defer C.free(unsafe.Pointer(text))
	return C.GoString(C.secure_getenv(text)) // NULL is ""
}

// boot creates the kernel and the process from the environment. No caller can handle an error here, so it ends the
// program with a message.
func boot() (*kernel.System, *kernel.Process) {
	cfg := kernel.Config{Profile: nt.Observed, LSA: authority(),
		Log: &audit.Log{Sink: audit.NewMemory(0, 0), Clock: clock}}
	switch p := environment("REFMON_PROFILE"); p {
	case "", "observed":
	case "documented":
		cfg.Profile = nt.Documented
	default:
		die("REFMON_PROFILE is %q: want observed or documented", p)
	}
	s := kernel.Boot(cfg)
	tok, err := initialToken(s)
	if err != nil {
		die("%v", err)
	}
	p, err := s.NewProcess("librefmon", tok)
	if err != nil {
		die("the process cannot be made: %v", err)
	}
	return s, p
}

// maxTokenFile is the size limit of a token file, as in refmon.
const maxTokenFile = 16 << 20

// readTokenFile returns the contents of a file. A file larger than maxTokenFile, or without an end, is an error.
func readTokenFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // closing a file that was only read loses no data
	text, err := io.ReadAll(io.LimitReader(f, maxTokenFile+1))
	if err == nil && len(text) > maxTokenFile {
		err = fmt.Errorf("%s is larger than %d MiB", name, maxTokenFile>>20)
	}
	return text, err
}

// initialToken returns the token of the process, from the environment:
//   - REFMON_TOKEN: the file that contains the token
//   - REFMON_USER, without REFMON_TOKEN: the built-in profile, administrator (the default) or standard
//
// A profile opens a logon session. An unreadable or malformed file and an unknown profile are errors.
func initialToken(s *kernel.System) (*token.Token, error) {
	if name := environment("REFMON_TOKEN"); name != "" {
		file, err := readTokenFile(name)
		if err != nil {
			return nil, fmt.Errorf("REFMON_TOKEN: %w", err)
		}
		t, err := token.Parse(file)
		if err != nil {
			return nil, fmt.Errorf("REFMON_TOKEN %s: %w", name, err)
		}
		return t, nil
	}
	switch u := environment("REFMON_USER"); u {
	case "", "administrator":
		return logOnAdministrator(s)
	case "standard":
		spec := token.StandardUser(standardUser)
		spec.AuthenticationID = s.OpenLogonSession()
		return token.New(spec)
	default:
		return nil, fmt.Errorf("REFMON_USER is %q: want administrator or standard", u)
	}
}

// logOnAdministrator creates the full and the limited token of the administrator, links them, and returns the full one.
func logOnAdministrator(s *kernel.System) (*token.Token, error) {
	specs := [2]token.Spec{token.Administrator(administratorUser), token.LimitedAdministrator(administratorUser)}
	var pair [2]*token.Token
	for i := range specs {
		specs[i].AuthenticationID = s.OpenLogonSession()
		var err error
		if pair[i], err = token.New(specs[i]); err != nil {
			return nil, err
		}
	}
	return pair[0], s.LinkLogons(pair[0], pair[1]).Err()
}

// die writes a message to standard error and ends the program with status 70.
func die(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "refmon: "+format+"\n", args...)
	os.Exit(70) // EX_SOFTWARE
}

// attach creates a thread object for the calling pthread, in the daemon if one is attached, else in the embedded
// kernel. It returns the object's number, 0 on failure.
func attach() uint64 {
	if d := daemon(); d != nil {
		return d.attach()
	}
	s, p := embedded()
	n, err := p.NewThread()
	if err != nil {
		return 0
	}
	return register(&thread{nt: n, sys: n.Services(), profile: n.Services().Profile(), id: s.ThreadObject(n).ID(),
		Memory: new(marshal.Memory)})
}

// register stores a thread object in the table of threads and returns its new number, which is never 0. It may reuse
// the place of a thread that has ended.
func register(t *thread) uint64 {
	threadsMu.Lock()
	defer threadsMu.Unlock()
	var old []*thread
	if l := threads.Load(); l != nil {
		old = *l
	}
	list := append([]*thread(nil), old...)
	if k := len(free); k > 0 {
		t.number, free = free[k-1], free[:k-1]
		list[uint32(t.number)-1] = t
	} else {
		list = append(list, t)
		t.number = uint64(len(list))
	}
	threads.Store(&list)
	return t.number
}

// detach ends the thread object of a number. It ignores a number that is unknown or has ended.
func detach(id uint64) {
	if t := unregister(id); t != nil {
		t.sys.EndThread()
	}
}

// unregister removes a thread object from the list and returns it, nil for an unknown number. The number is never used
// again.
func unregister(id uint64) *thread {
	threadsMu.Lock()
	defer threadsMu.Unlock()
	t := threadByID(id)
	if t == nil {
		return nil
	}
	list := append([]*thread(nil), *threads.Load()...)
	list[uint32(id)-1] = nil
	free = append(free, id+nextOwner)
	threads.Store(&list)
	return t
}
