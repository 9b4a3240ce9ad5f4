//go:build cgo && linux

package main

import (
	"fmt"
	"os"
	"sync"
	"sync/atomic"

	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// thread is a pthread's thread object; used by that pthread alone.
type thread struct {
	nt      *nt.Thread
	sys     nt.Services
	profile nt.Profile
	id      winnt.Handle // of the thread object
	face    *face        // its kernel-mode face, nil until it is used
	now     call         // under way
	scratch [scratchSize]byte
	descriptors
}

// embedded is the kernel in this process, booted by the first call.
var embedded = sync.OnceValues(boot)

// threads are the thread objects by number minus one; a slot of an ended thread
// is nil and its number goes to free.
var (
	threads   atomic.Pointer[[]*thread]
	threadsMu sync.Mutex // guards free and writes of threads
	free      []uint64   // guarded by threadsMu
)

func threadByID(id uint64) *thread { return (*threads.Load())[id-1] }

// user SIDs of the built-in profiles, in a domain that is nobody's.
var (
	administratorUser = sid.MustParse("S-1-5-21-1000000001-1000000002-1000000003-500")
	standardUser      = sid.MustParse("S-1-5-21-1000000001-1000000002-1000000003-1001")
)

// boot makes the kernel and the process, from the environment. It cannot
// return an error to anybody, so it stops the program with one.
func boot() (*kernel.System, *kernel.Process) {
	cfg := kernel.Config{Profile: nt.Observed}
	switch p := os.Getenv("REFMON_PROFILE"); p {
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

// initialToken is the token of the process: REFMON_TOKEN names its file,
// REFMON_USER a built-in profile, which is logged on.
func initialToken(s *kernel.System) (*token.Token, error) {
	if name := os.Getenv("REFMON_TOKEN"); name != "" {
		file, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("REFMON_TOKEN: %w", err)
		}
		t, err := token.Parse(file)
		if err != nil {
			return nil, fmt.Errorf("REFMON_TOKEN %s: %w", name, err)
		}
		return t, nil
	}
	switch u := os.Getenv("REFMON_USER"); u {
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

// logOnAdministrator makes the administrator's two tokens and returns the full
// one; the limited one is linked to it.
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

func die(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "refmon: "+format+"\n", args...)
	os.Exit(70) // EX_SOFTWARE
}

// attach makes a thread object for the calling pthread and returns its number,
// 0 when there can be none.
func attach() uint64 {
	s, p := embedded()
	n, err := p.NewThread()
	if err != nil {
		return 0
	}
	return register(&thread{nt: n, sys: n.Services(), profile: n.Services().Profile(), id: s.ThreadObject(n).ID()})
}

// register gives a thread object a number.
func register(t *thread) uint64 {
	threadsMu.Lock()
	defer threadsMu.Unlock()
	var old []*thread
	if l := threads.Load(); l != nil {
		old = *l
	}
	list := append([]*thread(nil), old...)
	var id uint64
	if k := len(free); k > 0 {
		id, free = free[k-1], free[:k-1]
		list[id-1] = t
	} else {
		list = append(list, t)
		id = uint64(len(list))
	}
	threads.Store(&list)
	return id
}

// detach gives a thread object back.
func detach(id uint64) { unregister(id).sys.EndThread() }

// unregister takes a number back.
func unregister(id uint64) *thread {
	threadsMu.Lock()
	defer threadsMu.Unlock()
	list := append([]*thread(nil), *threads.Load()...)
	t := list[id-1]
	list[id-1] = nil
	free = append(free, id)
	threads.Store(&list)
	return t
}
