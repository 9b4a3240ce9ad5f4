// Package host reads the users and groups of this host: by getent, and without that program by package os/user.
//
//	bob, err := host.Lookup("bob")
//	tok, err := bob.Token()          // the token that refmond mount gives bob's programs
//	new(host.Names).Of(sid)          // "bob" for S-1-22-1-1001
//
// Accounts have the SIDs S-1-22-1-uid and S-1-22-2-gid. A store of accounts or a domain is not read.
package host

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"os/user"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Users is the authority of the SIDs of users.
var Users = sid.MustParse("S-1-22-1")

// User is a user of the host with all groups. The zero value is uid 0 without a name.
type User struct {
	Name     string // "" if the host has no name for the number
	UID, GID uint32
	Groups   []uint32 // supplementary groups; they may contain GID
}

// nobody is the overflow uid of Linux: refmond takes its programs for Anonymous.
const nobody = 65534

// Limits of one lookup.
const (
	wait       = 10 * time.Second
	lingering  = time.Second // how long a child of getent may hold its output open, on a busy host too
	maxReply   = 1 << 20
	maxName    = 256
	entryParts = 4 // of the fields that are read
)

// Lookup returns a user by name or number, with all groups. A number that the host does not know is a user without name
// and groups, whose gid is the same number. An unknown name is an error. A failed lookup is an error too, and so are
// groups that cannot be read, because a descriptor could deny one of them.
func Lookup(name string) (User, error) {
	if hasControl(name) {
		return User{}, fmt.Errorf("the host has no user %q", name)
	}
	n, notNumber := strconv.ParseUint(name, 10, 32)
	f, found, err := entry("passwd", name)
	switch {
	case err != nil:
		// A user whose groups are unknown is not one without groups (B-28).
		return User{}, fmt.Errorf("user %q: %w", name, err)
	case found:
		return withGroups(f)
	}
	u, err := user.Lookup(name)
	if notNumber == nil {
		u, err = user.LookupId(name)
	}
	switch {
	case err == nil:
		return convertUser(u)
	case !unknown(err):
		return User{}, fmt.Errorf("user %q: %w", name, err)
	case notNumber == nil:
		return User{UID: uint32(n), GID: uint32(n)}, nil
	}
	return User{}, fmt.Errorf("the host has no user %q", name)
}

// unknown reports whether an error of package os/user means that the host has no such user or group. A missing
// file of the database means it too.
func unknown(err error) bool {
	var name user.UnknownUserError
	var id user.UnknownUserIdError
	var group user.UnknownGroupError
	return errors.As(err, &name) || errors.As(err, &id) || errors.As(err, &group) || errors.Is(err, fs.ErrNotExist)
}

// withGroups returns the user of a passwd line, with the groups from getent initgroups. f has the fields of the line.
// Unreadable groups and malformed numbers are errors. After an error the user is empty, unless only a group was
// malformed.
func withGroups(f []string) (User, error) {
	uid, err := number(f[2])
	if err != nil {
		return User{}, fmt.Errorf("user %q: uid: %w", f[0], err)
	}
	gid, err := number(f[3])
	if err != nil {
		return User{}, fmt.Errorf("user %q: gid: %w", f[0], err)
	}
	u := User{Name: f[0], UID: uid, GID: gid}
	line, found, err := getent("initgroups", u.Name)
	if err != nil {
		return User{}, fmt.Errorf("the groups of user %q: %w", u.Name, err)
	}
	rest, own := strings.CutPrefix(line, u.Name)
	if !found || !own {
		return User{}, fmt.Errorf("the groups of user %q cannot be read", u.Name)
	}
	u.Groups, err = numbers(strings.Fields(rest))
	return u, err
}

// convertUser converts a user of package os/user and reads its groups. It fails if an id is not a number or the groups
// cannot be read. After an error the user is empty, unless only a group was malformed.
func convertUser(from *user.User) (u User, err error) {
	u.Name = from.Username
	if u.UID, err = number(from.Uid); err != nil {
		return User{}, fmt.Errorf("user %q: %w", u.Name, err)
	}
	if u.GID, err = number(from.Gid); err != nil {
		return User{}, fmt.Errorf("user %q: %w", u.Name, err)
	}
	groups, err := from.GroupIds()
	if err != nil {
		return User{}, fmt.Errorf("the groups of user %q: %w", u.Name, err)
	}
	u.Groups, err = numbers(groups)
	return u, err
}

// ID returns the uid of a user, or with group the gid of a group, by name. Unlike [Lookup] it does not read the user's
// groups. ok is false for an unknown name, for a name with a control character, and for a number from 0 to 4294967295,
// which is an id and not a name. A failed lookup and a malformed reply are errors. On Windows no account has an id, so
// that ok is always false.
func ID(name string, group bool) (id uint32, ok bool, err error) {
	if _, err := number(name); err == nil || hasControl(name) || runtime.GOOS == "windows" {
		return 0, false, nil
	}
	database, lookUp := "passwd", userID
	if group {
		database, lookUp = "group", groupID
	}
	text := ""
	switch f, found, failed := entry(database, name); {
	case failed != nil:
		return 0, false, failed
	case found:
		text = f[2]
	default:
		if text, err = lookUp(name); unknown(err) {
			return 0, false, nil
		}
	}
	if err == nil {
		id, err = number(text)
	}
	return id, err == nil, err
}

// userID returns the text of the uid that package os/user has for a name.
func userID(name string) (string, error) {
	u, err := user.Lookup(name)
	if err != nil {
		return "", err
	}
	return u.Uid, nil
}

// groupID returns the text of the gid that package os/user has for a name.
func groupID(name string) (string, error) {
	g, err := user.LookupGroup(name)
	if err != nil {
		return "", err
	}
	return g.Gid, nil
}

// SID returns the SID of the user: S-1-22-1-uid, and Anonymous for uid 65534.
func (u *User) SID() sid.SID {
	if u.UID == nobody {
		return sid.Anonymous
	}
	return fileaccess.UnixUser(u.UID)
}

// Token returns the token that a mount without a store of accounts gives the programs of the user: that of an ordinary
// user of this computer with S-1-22-2-gid for each group (W-15). uid 65534 is Anonymous.
func (u *User) Token() (*token.Token, error) {
	return u.token(winnt.LOGON32_LOGON_INTERACTIVE, logon.Unproved)
}

// LoggedOn returns the token that the user would have after a kind of logon (B-28). uid 65534 is Anonymous.
func (u *User) LoggedOn(k logon.Kind) (*token.Token, error) { return u.token(k.Parts(false)) }

// token returns the token of a logon of the type t with the proof p: the user, each group once, and the SIDs of the
// logon. uid 65534 is Anonymous, whatever the type.
func (u *User) token(t winnt.LogonType, p logon.Proof) (*token.Token, error) {
	if u.UID == nobody {
		return token.New(token.Anonymous(false))
	}
	spec := token.StandardUser(u.SID())
	groups := slices.Concat([]uint32{u.GID}, u.Groups)
	for i, g := range groups {
		if !slices.Contains(groups[:i], g) {
			spec.Groups = append(spec.Groups, token.Group{SID: fileaccess.UnixGroup(g), Attributes: token.GroupDefault})
		}
	}
	spec.PrimaryGroup = fileaccess.UnixGroup(u.GID) // the group of files that the user creates, as on the host (W-15)
	spec.Groups = slices.DeleteFunc(spec.Groups, func(g token.Group) bool { return logon.DependsOnKind(g.SID) })
	logon.Add(&spec, t, p, true)
	return token.New(spec)
}

// entry returns the fields of the line of a database for a name or number. found is false without an error as for
// getent. A line with fewer than four fields is an error.
func entry(database, key string) (f []string, found bool, err error) {
	line, found, err := getent(database, key)
	if err != nil || !found {
		return nil, false, err
	}
	if f = strings.Split(line, ":"); len(f) < entryParts || f[0] == "" {
		return nil, false, fmt.Errorf("getent %s %s: the line is malformed", database, key)
	}
	return f, true, nil
}

// noSuchKey is the exit status of getent(1) for a key that the database does not have.
const noSuchKey = 2

// getent returns the one line that getent(1) prints for a key of a database. found is false, without an error, in these
// cases:
//   - key is empty, longer than maxName, not UTF-8, begins with "-" or has a colon or control character
//   - key is a number in another form than decimal digits, or one of more than 32 bits, which getent(1) would truncate;
//     the keys of initgroups are names only
//   - the database does not have the key, or the host does not have getent(1)
//
// A name service that is down looks like a database without the key. Errors are any other exit status, a lookup longer
// than wait, and an output that is too long or not one line.
func getent(database, key string) (line string, found bool, err error) {
	if key == "" || len(key) > maxName || key[0] == '-' || !utf8.ValidString(key) ||
		strings.Contains(key, ":") || hasControl(key) {
		return "", false, nil
	}
	if _, err := number(key); err != nil && isNumber(key) && database != "initgroups" {
		return "", false, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	cmd := exec.CommandContext(ctx, "getent", database, key) //nolint:gosec // no shell, and a checked key
	cmd.WaitDelay = lingering                                // a program that it started may hold the pipe for longer
	out, err := cmd.Output()
	var status *exec.ExitError
	switch {
	case errors.Is(err, exec.ErrNotFound), errors.As(err, &status) && status.ExitCode() == noSuchKey:
		return "", false, nil
	case err != nil:
		return "", false, fmt.Errorf("getent %s %s: %w", database, key, cmp.Or(ctx.Err(), err))
	case len(out) > maxReply || bytes.Count(out, []byte("\n")) != 1:
		return "", false, fmt.Errorf("getent %s %s: %d bytes that are not one line", database, key, len(out))
	}
	return strings.TrimSuffix(string(out), "\n"), true, nil
}

// hasControl reports whether a name contains a control character. No account has such a name, and os/user would cut one
// at a NUL.
func hasControl(name string) bool { return strings.ContainsFunc(name, unicode.IsControl) }

// isNumber reports whether getent(1) takes a key for an id. It calls strtoul(3), which skips spaces and accepts a sign.
func isNumber(key string) bool {
	digits := strings.TrimLeft(key, " ")
	if digits != "" && strings.ContainsRune("+-", rune(digits[0])) {
		digits = digits[1:]
	}
	return digits != "" && strings.Trim(digits, "0123456789") == ""
}

var errNumber = errors.New("want a number from 0 to 4294967295")

// number parses a uid or gid in decimal. Any other text is an error.
func number(text string) (uint32, error) {
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("%q: %w", text, errNumber)
	}
	return uint32(n), nil
}

// numbers parses each text with number. It returns nil and the first error if one is malformed, and nil for no texts.
func numbers(texts []string) (out []uint32, err error) {
	for _, t := range texts {
		n, err := number(t)
		if err != nil {
			return nil, err
		}
		out = append(out, n)
	}
	return out, nil
}
