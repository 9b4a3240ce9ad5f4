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

// Domains asks winbind by wbinfo, Samba's program for it. The zero value asks the one
// in PATH. It is safe for concurrent use.
type Domains struct {
	wbinfo string           // immutable; "" for the program of that name in PATH
	now    func() time.Time // immutable; nil: time.Now

	mu sync.Mutex
	// +checklocks:mu
	known map[string]remembered // guarded by mu: by option and value
	// +checklocks:mu
	silent time.Time // guarded by mu: until when winbind is not asked again
}

// remembered is an answer that winbind gave.
type remembered struct {
	line  string
	found bool
	until time.Time
}

// NewDomains returns what winbind on this host says.
func NewDomains() *Domains { return &Domains{} }

// notFound is the error of a winbind that runs and has no such account.
const notFound = "WBC_ERR_DOMAIN_NOT_FOUND"

// Bounds of what winbind says, and of asking it.
const (
	maxLine     = 1 << 12          // bytes of an answer, and of an error
	maxAnswers  = 1 << 14          // answers that are kept
	answerLife  = time.Minute      // of an answer
	silenceLife = 10 * time.Second // how long a winbind that does not answer is left alone
	lingering   = 100 * time.Millisecond
)

// errSilent is the answer of a winbind that did not answer just now.
var errSilent = errors.New("winbind did not answer a moment ago")

// ask returns the one line that wbinfo prints. Answers are kept for a minute, and a winbind
// that does not answer is not asked again for ten seconds: else each file of a listing
// would wait for it (L-61).
func (d *Domains) ask(ctx context.Context, option, value string) (line string, found bool, err error) {
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
	line, found, err = d.run(ctx, option, value)
	d.mu.Lock()
	defer d.mu.Unlock()
	if err != nil {
		if errors.Is(err, context.DeadlineExceeded) {
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

// run runs wbinfo. Only the error notFound says that there is no such account; every
// other one says nothing. L-55
func (d *Domains) run(ctx context.Context, option, value string) (line string, found bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, maxWait)
	defer cancel()
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
	case err != nil:
		return "", false, fmt.Errorf("wbinfo %s %s: %w", option, value, err)
	}
	line, rest, whole := strings.Cut(string(out.b), "\n")
	if !whole || rest != "" {
		return "", false, fmt.Errorf("wbinfo %s %s: %d bytes that are not one line", option, value, len(out.b))
	}
	return line, true, nil
}

// firstBytes keeps the first bytes of a program's output, and refuses more.
type firstBytes struct{ b []byte }

var errTooMuch = errors.New("more output than any answer has")

// Write implements [io.Writer].
func (f *firstBytes) Write(p []byte) (int, error) {
	if len(f.b)+len(p) > maxLine {
		return 0, errTooMuch
	}
	f.b = append(f.b, p...)
	return len(p), nil
}

// SIDOfUID returns the SID of a uid.
func (d *Domains) SIDOfUID(ctx context.Context, uid uint32) (sid.SID, bool, error) {
	return d.sid(ctx, "-U", "u", uid)
}

// SIDOfGID returns the SID of a gid.
func (d *Domains) SIDOfGID(ctx context.Context, gid uint32) (sid.SID, bool, error) {
	return d.sid(ctx, "-G", "g", gid)
}

// unmapped is the answer to --unix-ids-to-sids about an id of no account.
const unmapped = "NOT MAPPED"

// sid asks about an id. wbinfo takes numbers of 31 bits alone, but for one option (L-62).
func (d *Domains) sid(ctx context.Context, option, kind string, id uint32) (s sid.SID, found bool, err error) {
	value := strconv.FormatUint(uint64(id), 10)
	if id > math.MaxInt32 {
		option, value = "--unix-ids-to-sids", kind+value
	}
	line, found, err := d.ask(ctx, option, value)
	if line == unmapped {
		return sid.SID{}, false, err
	}
	if err == nil && found {
		s, err = sid.ParseStrict(line)
	}
	return s, found && err == nil, err
}

// UIDOf returns the uid of a SID.
func (d *Domains) UIDOf(ctx context.Context, id sid.SID) (uint32, bool, error) {
	return d.id(ctx, "-S", id)
}

// GIDOf returns the gid of a SID.
func (d *Domains) GIDOf(ctx context.Context, id sid.SID) (uint32, bool, error) {
	return d.id(ctx, "-Y", id)
}

func (d *Domains) id(ctx context.Context, option string, s sid.SID) (n uint32, found bool, err error) {
	line, found, err := d.ask(ctx, option, s.String())
	if err != nil || !found {
		return 0, false, err
	}
	// wbinfo prints the numbers of ids of 32 bits as signed ones (L-62).
	v, err := strconv.ParseInt(line, 10, 33)
	if err == nil && (v < math.MinInt32 || v > math.MaxUint32 || uint32(v) == math.MaxUint32) {
		err = strconv.ErrRange
	}
	return uint32(v), err == nil, err
}
