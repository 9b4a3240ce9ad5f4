package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/refmon/refmon/sid"
)

// Domains queries winbind through Samba's program wbinfo. Its methods return false without an error if winbind has no
// such account, and an error if it gave no usable answer within five seconds. The zero value uses the wbinfo in PATH.
// It is safe for concurrent use.
type Domains struct {
	wbinfo string           // immutable; "" for the program of that name in PATH at each lookup
	now    func() time.Time // immutable; nil: time.Now
	queue  lookupQueue      // limits the processes

	mu sync.Mutex
	// +checklocks:mu
	known map[string]remembered // guarded by mu; keyed by option and value
	// +checklocks:mu
	silent time.Time // guarded by mu; winbind is not queried before this time
}

// remembered is a cached result of a query to winbind.
type remembered struct {
	line  string
	found bool
	until time.Time
}

// NewDomains returns a Domains that queries this host's winbind. It does not check that winbind runs: the
// lookups return errors until it does. NewDomains finds wbinfo in PATH now, for the reason given at [New]. If there is
// none, each lookup searches PATH again.
func NewDomains() *Domains { return &Domains{wbinfo: inPath("wbinfo")} }

// Errors of wbinfo.
const (
	notFound = "WBC_ERR_DOMAIN_NOT_FOUND"      // winbind runs and has no such account
	notUp    = "WBC_ERR_WINBIND_NOT_AVAILABLE" // winbind does not run, or cannot serve
)

// Limits and lifetimes of answers.
const (
	maxLine     = 1 << 12          // size of an answer, and of an error message
	maxAnswers  = 1 << 14          // answers in the cache
	answerLife  = time.Minute      // of an answer
	silenceLife = 10 * time.Second // pause after winbind did not answer
	lingering   = time.Second
)

// errSilent says that winbind did not answer recently and was not queried again.
var errSilent = errors.New("winbind did not answer a moment ago")

// errNotUp says that winbind does not run, or cannot serve.
var errNotUp = errors.New("winbind is not available")

// ask queries winbind through wbinfo, in the requester's turn, and returns the one line of output. If winbind does not
// know the value, found is false. Lines and unknown values are cached for a minute, errors are not. After a timeout, or
// if winbind does not run, only the cache is used for ten seconds; other queries return errSilent (L-61).
func (d *Domains) ask(ctx context.Context, requester, option, value string) (line string, found bool, err error) {
	now := time.Now
	if d.now != nil {
		now = d.now
	}
	key := option + " " + value
	d.mu.Lock()
	r, kept := d.known[key]
	kept = kept && now().Before(r.until)
	silent := now().Before(d.silent)
	d.mu.Unlock()
	switch {
	case kept:
		return r.line, r.found, nil
	case silent:
		return "", false, errSilent
	}
	ctx, cancel := context.WithTimeout(ctx, maxWait)
	defer cancel()
	line, found, err = d.queue.do(ctx, requester, key, func(ctx context.Context) (string, bool, error) {
		return d.run(ctx, option, value)
	})
	d.mu.Lock()
	defer d.mu.Unlock()
	if err != nil {
		// A lookup that waited for others says nothing about winbind (L-61).
		slow := errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, errBusy)
		if slow || errors.Is(err, errNotUp) {
			d.silent = now().Add(silenceLife)
		}
		return "", false, err
	}
	if d.known == nil || len(d.known) >= maxAnswers {
		d.known = map[string]remembered{}
	}
	d.known[key] = remembered{line, found, now().Add(answerLife)}
	return line, found, nil
}

// run executes wbinfo. found is false only for the error notFound; any other failure is an error (L-55). An answer that
// is not one line is an error. The run ends with ctx. A service that is not up is errNotUp.
func (d *Domains) run(ctx context.Context, option, value string) (line string, found bool, err error) {
	program := d.wbinfo
	if program == "" {
		program = "wbinfo"
	}
	cmd := exec.CommandContext(ctx, program, option, value) //nolint:gosec // no shell; a number or a SID
	var out, problems firstBytes
	cmd.Stdout, cmd.Stderr = &out, &problems
	cmd.WaitDelay = lingering // a program that it started may hold the pipes for longer
	err = cmd.Run()
	switch {
	case ctx.Err() != nil:
		return "", false, fmt.Errorf("wbinfo %s %s: %w", option, value, ctx.Err())
	case err != nil && bytes.Contains(problems.b, []byte(notFound)):
		return "", false, nil
	case err != nil && bytes.Contains(problems.b, []byte(notUp)):
		return "", false, fmt.Errorf("wbinfo %s %s: %w", option, value, errNotUp)
	case err != nil:
		return "", false, fmt.Errorf("wbinfo %s %s: %w", option, value, err)
	}
	line, rest, whole := strings.Cut(string(out.b), "\n")
	if !whole || rest != "" {
		return "", false, fmt.Errorf("wbinfo %s %s: %d bytes that are not one line", option, value, len(out.b))
	}
	return line, true, nil
}

// firstBytes limits what a program may print: it keeps the output up to maxLine bytes; a longer Write fails.
type firstBytes struct{ b []byte }

var errTooMuch = errors.New("more output than any answer has")

// Write appends p, or returns errTooMuch and keeps nothing of p if the output would exceed maxLine bytes.
func (f *firstBytes) Write(p []byte) (int, error) {
	if len(f.b)+len(p) > maxLine {
		return 0, errTooMuch
	}
	f.b = append(f.b, p...)
	return len(p), nil
}

// SIDOfUID returns the SID of the user with a uid. false without an error means that winbind maps no account to
// the uid. The answer can be a minute old.
func (d *Domains) SIDOfUID(ctx context.Context, uid uint32) (sid.SID, bool, error) {
	return d.sid(ctx, "-U", "u", uid)
}

// SIDOfGID returns the SID of the group with a gid. false without an error means that winbind maps no account to
// the gid. The answer can be a minute old.
func (d *Domains) SIDOfGID(ctx context.Context, gid uint32) (sid.SID, bool, error) {
	return d.sid(ctx, "-G", "g", gid)
}

// unmapped is the output of --unix-ids-to-sids for an id without an account.
const unmapped = "NOT MAPPED"

// sid looks up the SID of an id. Most options of wbinfo take 31-bit numbers only, so larger ids use another option
// (L-62). A SID that does not parse is an error. An id without a mapping is not found.
func (d *Domains) sid(ctx context.Context, option, kind string, id uint32) (s sid.SID, found bool, err error) {
	value := strconv.FormatUint(uint64(id), 10)
	if id > math.MaxInt32 {
		option, value = "--unix-ids-to-sids", kind+value
	}
	// Each id is a requester of its own: winbind is queried for no subordinate id, so a user has few (L-54).
	line, found, err := d.ask(ctx, value, option, value)
	if line == unmapped {
		return sid.SID{}, false, err
	}
	if err == nil && found {
		s, err = sid.ParseStrict(line)
	}
	return s, found && err == nil, err
}

// UIDOf returns the uid of a SID. false without an error means that winbind knows no such account. The answer
// can be a minute old.
func (d *Domains) UIDOf(ctx context.Context, id sid.SID) (uint32, bool, error) {
	return d.id(ctx, "-S", id)
}

// GIDOf returns the gid of a SID. false without an error means that winbind knows no such account. The answer
// can be a minute old.
func (d *Domains) GIDOf(ctx context.Context, id sid.SID) (uint32, bool, error) {
	return d.id(ctx, "-Y", id)
}

// id returns the uid or gid that wbinfo prints for s with an option. found is false for a SID without one. A number out
// of range is an error (L-62). The id 4294967295 is out of range, too.
func (d *Domains) id(ctx context.Context, option string, s sid.SID) (n uint32, found bool, err error) {
	// A client can name any number of SIDs, so all of them are one requester (L-85).
	line, found, err := d.ask(ctx, anyName, option, s.String())
	if err != nil || !found {
		return 0, false, err
	}
	// wbinfo prints 32-bit ids as signed numbers (L-62).
	v, err := strconv.ParseInt(line, 10, 33)
	if err == nil && (v < math.MinInt32 || v > math.MaxUint32 || uint32(v) == math.MaxUint32) {
		err = strconv.ErrRange
	}
	return uint32(v), err == nil, err
}
