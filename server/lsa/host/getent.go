package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// entry is a line of passwd or group.
type entry struct {
	name    string
	id, gid uint32
}

// noSuchKey is the exit status of getent(1) for a key that the database does not have.
const noSuchKey = 2

// anyName is the requester of lookups by name, SID or, with getent, gid, which are not made for one uid.
const anyName = ""

// validKey reports whether getent can look a name up. It rejects names of digits only, which getent
// takes for ids, and names that no database can hold.
func validKey(name string) bool {
	return name != "" && len(name) <= 256 && utf8.ValidString(name) && name[0] != '-' &&
		strings.Trim(name, "0123456789") != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return r == ':' || unicode.IsControl(r)
	})
}

// run looks up a key with getent and returns its line. found is false, without an error, if there is no such key or
// no getent. Output that is not exactly one line, another exit status and a lookup over five seconds are errors.
// The lookups of one requester wait for each other, and equal ones may share a process.
func (n *Names) run(ctx context.Context, requester, database, key string) (line string, found bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, maxWait)
	defer cancel()
	return n.queue.do(ctx, requester, database+" "+key, func(ctx context.Context) (string, bool, error) {
		return n.execute(ctx, database, key)
	})
}

// execute runs getent for a key and returns its line. found is false if the key has no entry, or the host has no
// getent. Any other failure, or several lines, are an error. More than maxReply bytes are an error, too. It returns
// soon after ctx ends.
func (n *Names) execute(ctx context.Context, database, key string) (line string, found bool, err error) {
	program := n.getent
	if program == "" {
		program = "getent"
	}
	cmd := exec.CommandContext(ctx, program, database, key) //nolint:gosec // no shell; the key is valid
	// A program that it started may hold the pipe for longer.
	cmd.WaitDelay = lingering
	out, err := cmd.Output()
	var status *exec.ExitError
	switch {
	case errors.Is(err, exec.ErrNotFound), errors.As(err, &status) && status.ExitCode() == noSuchKey:
		return "", false, nil
	case err != nil:
		return "", false, fmt.Errorf("getent %s %s: %w", database, key, err)
	case len(out) > maxReply || bytes.Count(out, []byte("\n")) != 1:
		return "", false, fmt.Errorf("getent %s %s: %d bytes that are not one line", database, key, len(out))
	}
	return strings.TrimSuffix(string(out), "\n"), true, nil
}

// passwd returns the entry of a user by name or number, which has seven fields. ok is false for an unknown user, and
// if the query fails.
func (n *Names) passwd(ctx context.Context, requester, key string) (e entry, ok bool) {
	line, ok, err := n.run(ctx, requester, "passwd", key)
	if err != nil || !ok {
		return e, false
	}
	return parseEntry("passwd", line)
}

// group returns the entry of a group by name or number, which has four fields. ok is false for an unknown group, and
// if the query fails.
func (n *Names) group(ctx context.Context, key string) (e entry, ok bool) {
	line, ok, err := n.run(ctx, anyName, "group", key)
	if err != nil || !ok {
		return e, false
	}
	return parseEntry("group", line)
}

// fieldsOf is the number of fields of a line of each database.
var fieldsOf = map[string]int{"passwd": 7, "group": 4}

// parseEntry parses a line name:passwd:id:… of a database. It returns false for another number of fields, an empty
// name, and an id that is not a 32-bit number. Of passwd the group's number must be one as well.
func parseEntry(database, line string) (e entry, ok bool) {
	f := strings.Split(line, ":")
	if len(f) != fieldsOf[database] {
		return e, false
	}
	id, err := strconv.ParseUint(f[2], 10, 32)
	if err != nil || f[0] == "" {
		return e, false
	}
	e = entry{name: f[0], id: uint32(id)}
	if database == "passwd" {
		gid, err := strconv.ParseUint(f[3], 10, 32)
		if err != nil {
			return e, false
		}
		e.gid = uint32(gid)
	}
	return e, true
}

// initgroups returns the supplementary groups of a user, in getent's order. ok is false if the user is unknown or the
// output is malformed. The groups may include the primary one. A user without any has none, and ok is true.
func (n *Names) initgroups(ctx context.Context, requester, name string) (gids []uint32, ok bool) {
	line, ok, err := n.run(ctx, requester, "initgroups", name)
	rest, found := strings.CutPrefix(line, name)
	if err != nil || !ok || !found {
		return nil, false
	}
	for _, f := range strings.Fields(rest) {
		gid, err := strconv.ParseUint(f, 10, 32)
		if err != nil {
			return nil, false
		}
		gids = append(gids, uint32(gid))
	}
	return gids, true
}
