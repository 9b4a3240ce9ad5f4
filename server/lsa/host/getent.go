package host

import (
	"bytes"
	"context"
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

// validKey reports whether getent can look a name up. It rejects names of digits only, which getent
// takes for ids, and names that no database can hold.
func validKey(name string) bool {
	return name != "" && len(name) <= 256 && utf8.ValidString(name) && name[0] != '-' &&
		strings.Trim(name, "0123456789") != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return r == ':' || unicode.IsControl(r)
	})
}

// run looks one key up with getent and returns its line. ok is false unless the output is exactly
// one line.
func (n *Names) run(ctx context.Context, database, key string) (line string, ok bool) {
	ctx, cancel := context.WithTimeout(ctx, maxWait)
	defer cancel()
	program := n.getent
	if program == "" {
		program = "getent"
	}
	out, err := exec.CommandContext(ctx, program, database, key).Output() //nolint:gosec // no shell; the key is valid
	if err != nil || len(out) > maxReply || bytes.Count(out, []byte("\n")) != 1 {
		return "", false
	}
	return strings.TrimSuffix(string(out), "\n"), true
}

// passwd returns the entry of a user by name or number, which has seven fields.
func (n *Names) passwd(ctx context.Context, key string) (e entry, ok bool) {
	return n.entry(ctx, "passwd", key, 7)
}

// group returns the entry of a group by name or number, which has four fields.
func (n *Names) group(ctx context.Context, key string) (e entry, ok bool) {
	return n.entry(ctx, "group", key, 4)
}

// entry parses a line name:passwd:id:… and requires that number of fields.
func (n *Names) entry(ctx context.Context, database, key string, fields int) (e entry, ok bool) {
	line, ok := n.run(ctx, database, key)
	f := strings.Split(line, ":")
	if !ok || len(f) != fields {
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

// initgroups returns the supplementary groups of a user.
func (n *Names) initgroups(ctx context.Context, name string) (gids []uint32, ok bool) {
	line, ok := n.run(ctx, "initgroups", name)
	rest, found := strings.CutPrefix(line, name)
	if !ok || !found {
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
