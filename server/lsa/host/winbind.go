package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"

	"github.com/refmon/refmon/sid"
)

// Domains asks winbind by wbinfo, Samba's program for it. The zero value asks the one
// in PATH.
type Domains struct {
	wbinfo string // immutable; "" for the program of that name in PATH
}

// NewDomains returns what winbind on this host says.
func NewDomains() *Domains { return &Domains{} }

// notFound is the error of a winbind that runs and has no such account.
const notFound = "WBC_ERR_DOMAIN_NOT_FOUND"

// ask runs wbinfo and returns the one line that it prints. Only the error notFound
// says that there is no such account; every other one says nothing. L-55
func (d *Domains) ask(ctx context.Context, option, value string) (line string, found bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, maxWait)
	defer cancel()
	program := d.wbinfo
	if program == "" {
		program = "wbinfo"
	}
	out, err := exec.CommandContext(ctx, program, option, value).Output() //nolint:gosec // no shell; a number or a SID
	var exit *exec.ExitError
	if errors.As(err, &exit) && bytes.Contains(exit.Stderr, []byte(notFound)) {
		return "", false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("wbinfo %s %s: %w", option, value, err)
	}
	line, rest, whole := strings.Cut(string(out), "\n")
	if !whole || rest != "" {
		return "", false, fmt.Errorf("wbinfo %s %s: %d bytes that are not one line", option, value, len(out))
	}
	return line, true, nil
}

// SIDOfUID returns the SID of a uid.
func (d *Domains) SIDOfUID(ctx context.Context, uid uint32) (sid.SID, bool, error) {
	return d.sid(ctx, "-U", uid)
}

// SIDOfGID returns the SID of a gid.
func (d *Domains) SIDOfGID(ctx context.Context, gid uint32) (sid.SID, bool, error) {
	return d.sid(ctx, "-G", gid)
}

func (d *Domains) sid(ctx context.Context, option string, id uint32) (s sid.SID, found bool, err error) {
	line, found, err := d.ask(ctx, option, strconv.FormatUint(uint64(id), 10))
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
	v, err := strconv.ParseUint(line, 10, 32)
	return uint32(v), err == nil, err
}
