package main

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/refmon/refmon/internal/objects/tree"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/inspect"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

type revokeCmd struct {
	inspectFlags
	Whom string `arg:"" help:"A user or local group by name, any account by SID, or a path in a tree."`
	Now  bool   `help:"Do not answer the calls in progress of the sessions that end."`
}

// Help returns the long text of --help for the command revoke.
func (revokeCmd) Help() string {
	return `Ends what a user, the members of a group, or all users have now: sessions, tokens that servers hold,
open files, and the cached tokens and file contents of mounts. It prints what ended, and then each file that
the host's kernel goes on serving, with the program to stop. It does not forbid a new logon or a new open, so
change the account, the group or the descriptor first. It needs SeDebugPrivilege, and the trail records it.

  refmond account lock bob
  refmond revoke --socket /run/refmon/admin.sock bob
  refmond revoke --socket /run/refmon/admin.sock /srv/projects/payroll

docs/revocation.md says what else a change of rights ends, and when.`
}

// Run ends the access of a user, a group or a path, and prints what ended and what remains. An unknown name, and a
// missing privilege, are errors. A daemon that is too old to know the question is an error.
func (c *revokeCmd) Run(std *streams) error {
	l, err := c.open()
	if err != nil {
		return err
	}
	defer l.close()
	q := inspect.Query{What: "revoke", Now: c.Now}
	if q.User, q.Path, err = l.selection(c.Whom); err != nil {
		return err
	}
	a, err := l.query(q)
	if err != nil {
		return revokeError(c.Whom, err)
	}
	if a.Revoked == nil {
		return errors.New("revoke: refmond sent no result: it is older than this program")
	}
	printRevoked(std, a.Revoked)
	if r := a.Revoked; r.Files == 0 && len(r.Remains) == 0 {
		fmt.Fprint(std.err, pathWarning(q.Path))
	}
	return nil
}

// pathWarning returns a warning for a revocation of a path that found no open file, if the path may be a mistake: no
// file has the path, or it leads through a symbolic link, which refmond does not follow. It returns "" for other paths,
// a kernel name, and a path that the caller may not search.
func pathWarning(path string) string {
	if !strings.HasPrefix(path, "/") {
		return ""
	}
	real, err := filepath.EvalSymlinks(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Sprintf("refmond: no file has the path %q now\n", path)
	case err == nil && real != filepath.Clean(path):
		return fmt.Sprintf("refmond: %q leads through a symbolic link: revoke %q too\n", path, real)
	}
	return ""
}

// revokeError adds to an error why refmond refused a revocation of what. It returns other errors unchanged.
func revokeError(what string, err error) error {
	switch ntstatus.Of(err, ntstatus.Unsuccessful) {
	case ntstatus.PrivilegeNotHeld:
		return fmt.Errorf("%w: revoking needs SeDebugPrivilege: run this as an administrator %s", err, atAdminSocket)
	case ntstatus.InvalidParameter:
		return fmt.Errorf("%w: %q is you, includes you, is a well-known SID, or is a path in no tree", err, what)
	}
	return err
}

// selection converts the argument of refmond revoke to a path or a SID. A text that begins with a slash or backslash is
// a path. Any other text is a SID S-1-…, or the name of an account or group. The daemon looks up names: on
// this computer first, then in the domain. user is the SID. An unknown name, and a text that is not UTF-8, are errors.
func (l *inspector) selection(what string) (user, path string, err error) {
	if !utf8.ValidString(what) { // JSON would change it to another name
		return "", "", fmt.Errorf("%q is not UTF-8, and no account or file of a tree has such a name", what)
	}
	if strings.HasPrefix(what, "/") || strings.HasPrefix(what, `\`) {
		return "", what, nil
	}
	if s, err := sid.ParseStrict(what); err == nil && strings.HasPrefix(what, "S-") { // BO is the name of a user here
		return s.String(), "", nil
	}
	h, st := l.th.LsaOpenPolicy(winnt.POLICY_LOOKUP_NAMES)
	if st != ntstatus.Success {
		return "", "", fmt.Errorf("look up %q: %w", what, st.Err())
	}
	defer l.th.LsaClose(h)
	out, st := l.th.LsaLookupNames2(h, what)
	if st.IsSuccess() && len(out.SIDs) == 1 && !out.SIDs[0].SID.IsZero() {
		return out.SIDs[0].SID.String(), "", nil
	}
	if !st.IsSuccess() && st != ntstatus.NoneMapped { // what may be a user of this computer
		return "", "", fmt.Errorf("look up %q: %w: give the SID", what, st.Err())
	}
	user, err = l.domainUser(what)
	return user, "", err
}

// domainUser returns the SID of the domain user with a name. An unknown name is an error. So is a name that several
// users have had, because only one of them is meant.
func (l *inspector) domainUser(name string) (string, error) {
	a, err := l.query(inspect.Query{What: "accounts", User: name})
	switch st := ntstatus.Of(err, ntstatus.Success); {
	case st == ntstatus.NoLogonServers:
		return "", fmt.Errorf("look up %q: %w: the directory does not answer, and no user of that name has logged on "+
			"since refmond started: give the SID", name, err)
	case st == ntstatus.Unsuccessful:
		return "", fmt.Errorf("look up %q: %w: the directory has no single valid user of that name; refmond directory "+
			"find %[1]q says why: give the SID", name, err)
	case st == ntstatus.InvalidParameter:
		return "", fmt.Errorf("look up %q: %w: refmond cannot look up domain users; if it is older than this command, "+
			"restart it", name, err)
	case err != nil:
		return "", revokeError(name, err)
	case len(a.Accounts) == 0:
		return "", fmt.Errorf("this computer has no account or group %q, and the domain no such user: give the SID of a "+
			"group of the domain (refmond directory find NAME), or a path that begins with /", name)
	case len(a.Accounts) > 1:
		return "", fmt.Errorf("several users have or had the name %q: give the SID of one: %s", name,
			strings.Join(a.Accounts, ", "))
	}
	return a.Accounts[0], nil
}

// printRevoked prints what ended and which open files remain, with the programs that have them. Names from clients
// are printed without control characters.
func printRevoked(std *streams, r *inspect.Revoked) {
	fmt.Fprintf(std.out, "ended: %d sessions, %d tokens, %d open files\n", r.Sessions, r.Tokens, r.Files)
	if len(r.Remains) == 0 {
		fmt.Fprintln(std.out, "nothing remains")
		return
	}
	fmt.Fprintln(std.out, "remains until the program closes the file or ends:")
	for _, e := range r.Remains {
		name := inLine(e.Name)
		if name == "" {
			name = "further files"
		}
		program := ""
		if e.PID != 0 {
			program = fmt.Sprintf(", pid %d", e.PID)
		}
		fmt.Fprintf(std.out, "  %-11s  %s  uid %d%s\n", inLine(e.Kind), name, e.UID, program)
	}
	if r.More != 0 {
		fmt.Fprintf(std.out, "  and %d further files\n", r.More)
	}
}

// revokeRest carries out a revocation on watches and mounts: it ends the watches of selected users, and the access of
// selected users to selected files. It returns the open files that the host's kernel still serves without refmond; nil
// without mounts.
func (s *service) revokeRest(selected func(user *token.Token, name string) bool) (remains []inspect.Remaining) {
	if w := s.watching.Load(); w != nil {
		w.server.Revoke(func(client *token.Token) bool { return selected(client, "") })
	}
	mounts, _ := s.currentMounts()
	for _, m := range mounts {
		for _, p := range m.Revoke(selected) {
			remains = append(remains, inspect.Remaining{Kind: "passthrough", Name: p.Name, UID: p.UID})
		}
	}
	return remains
}

// kernelName returns the kernel name of a path in a tree or in one of its mounts. It returns false for any other
// path. Of trees that contain each other, the innermost applies. A mount hides the trees in its directory. The
// result has no trailing backslash and no part "." or "..".
func (c *config) kernelName(path string) (name string, ok bool) {
	path = filepath.Clean(path)
	top := ""
	visible := func(dir, of string) {
		if tree.Contains(dir, path) {
			top, name, ok = dir, of, true
		}
	}
	for i := range c.trees {
		if t := &c.trees[i]; len(t.Path) > len(top) {
			visible(t.Path, t.name)
		}
	}
	// A mount hides what a tree or the mount around it has there (W-99). This is the order of mountTrees.
	for i := range c.trees {
		t := &c.trees[i]
		for _, dir := range []string{t.mount, t.backup} {
			if dir != "" {
				visible(dir, t.name)
			}
		}
	}
	if !ok {
		return "", false
	}
	rest := strings.Trim(strings.TrimPrefix(path, top), "/")
	return strings.TrimRight(`\Device\`+name+`\`+strings.ReplaceAll(rest, "/", `\`), `\`), true
}
