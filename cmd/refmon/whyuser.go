package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/directory/host"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// whyUser is the user of --as, with the token that the decision is about.
type whyUser struct {
	name   string // for people: the name, the SID and where the user was found
	token  *token.Token
	nameOf func(sid.SID) string // "": the SID has no name
	// after returns the token after another kind of logon; nil: only refmond knows it.
	after func(logon.Kind) (*token.Token, error)
}

// user finds the user of --as in the directory of -d, in a running refmond, or on the host. done is never nil; it
// closes the connection to refmond, which nameOf needs. An unknown or refused user and unreadable groups are errors,
// and so is --logon for a user of refmond.
func (c *whyCmd) user(std *streams) (u *whyUser, done func(), err error) {
	done = func() {}
	kind, given, err := kindOf(c.Logon)
	if err != nil {
		return nil, done, err
	}
	// The directory of -d decides who the user is, else a running refmond, else the host (B-85).
	if len(c.Directory) > 0 {
		u, err = c.listed(std)
	} else if conn, failed := c.dial(std); failed != nil {
		return nil, done, failed
	} else if conn != nil {
		done = func() { _ = conn.Close() } // every question was answered
		u, err = servedUser(conn, c.As)
	}
	if u == nil && err == nil {
		u, err = ofHost(c.As)
	}
	switch {
	case err != nil:
		return nil, done, fmt.Errorf("--as: %w", err)
	case given && u.after == nil:
		return nil, done, fmt.Errorf("--logon: %s has the token of a mount, and refmond shows no other", u.name)
	case given:
		u.token, err = u.after(kind)
	}
	return u, done, err
}

// ofHost returns a user of the host by name, uid or SID. The token is that of the user's programs on a mount. An
// unknown name is an error, and so is a SID that is not of a uid. An unknown uid gives "the user" without groups.
func ofHost(name string) (*whyUser, error) {
	// The SID of a uid names a user of the host (B-126), and an alias of SDDL such as BO does not.
	if s, err := sid.Parse(name); err == nil && directory.ReadsAsSID(name) {
		if s.SubAuthorities() != 2 || s.Prefix() != host.Users {
			return nil, fmt.Errorf("the groups of %v are unknown on this host: give a directory file with the user "+
				"(-d FILE), or the name of the user", s)
		}
		name = strconv.FormatUint(uint64(s.RID()), 10)
	}
	user, err := host.Lookup(name)
	if err != nil {
		return nil, fmt.Errorf("%w: -d FILE reads other users, and --names-from SOCKET those of refmond and its domains", err)
	}
	u := &whyUser{name: cmp.Or(user.Name, "the user") + " (" + user.SID().String() + ")", nameOf: namesOf(nil),
		after: user.LoggedOn}
	u.token, err = user.Token()
	return u, err
}

// listed returns a user of the directory of -d as the user's programs on a mount. The token is that of an interactive
// logon; u.after returns those of other kinds. An unknown or disabled user is an error.
func (c *whyCmd) listed(std *streams) (*whyUser, error) {
	people := directoryFlags{Directory: c.Directory, who: c.As}
	dir, err := people.readPeople(std)
	if err != nil {
		return nil, err
	}
	who, err := asking(std, dir, people.who)
	if err != nil {
		return nil, err
	}
	p := &dir.Principals[who]
	u := &whyUser{name: p.Name + " (" + p.SID().String() + ", from the directory)", nameOf: namesOf(dir)}
	u.after = func(k logon.Kind) (*token.Token, error) {
		other, err := dir.LoggedOn(k)
		if err != nil {
			return nil, err
		}
		return other.Principals[who].Token, nil
	}
	if u.token, err = u.after(logon.Interactive); err == nil {
		u.token, err = onMount(u.token)
	}
	return u, err
}

// fromDirectory makes the user of --as the caller of a question about a descriptor, with the token of refmon access
// (B-100). It needs -d, or a SID. Flags about token files and about paths are errors. It sets c.people and c.caller.
func (c *whyCmd) fromDirectory(std *streams) error {
	_, notSID := sid.Parse(c.As)
	switch {
	case len(c.Directory) == 0 && notSID != nil || c.NamesFrom != "":
		return errors.New("a descriptor with --as needs -d FILE with the user, or the user's SID: --names-from and the " +
			"users of this host are for paths of files")
	case c.Token != "" || c.Certificate != "":
		return errors.New("--as names the caller: drop --token and --certificate, which are about a token file")
	case c.Tree != "" || c.IgnorePosix:
		return errors.New("--tree and --ignore-posix are about the path of a file, and this is a descriptor")
	}
	dir, name, err := c.described(std)
	if err != nil {
		return err
	}
	who, err := asking(std, dir, name)
	if err != nil {
		return fmt.Errorf("--as: %w", err)
	}
	c.people, c.caller = dir, dir.Principals[who].Token
	return nil
}

// described returns the directory of -d, and the name that the user of --as has there. Without -d it returns one
// without accounts, in which a SID has only the groups of its logon (B-126). An unknown kind of logon is an error.
func (c *whyCmd) described(std *streams) (dir *directory.Directory, name string, err error) {
	if len(c.Directory) > 0 {
		people := directoryFlags{Directory: c.Directory, Logon: c.Logon, who: c.As}
		dir, err = people.directory(std)
		return dir, people.who, err
	}
	if dir, err = directory.New(&directory.Accounts{}); err != nil {
		return nil, "", err
	}
	kind, given, err := kindOf(c.Logon)
	if err == nil && given {
		dir, err = dir.LoggedOn(kind)
	}
	return dir, c.As, err
}

// onMount returns t as the user's programs have it on a mount: a primary token after an interactive logon, whose
// identity no protocol proves (L-82). An administrator gets the limited token (L-5), except the user SYSTEM. t does
// not change.
func onMount(t *token.Token) (*token.Token, error) {
	spec := t.Spec()
	has := func(s sid.SID) bool {
		return slices.ContainsFunc(spec.Groups, func(g token.Group) bool { return g.SID == s })
	}
	local := has(sid.LocalAccount)
	spec.Groups = slices.DeleteFunc(spec.Groups, func(g token.Group) bool {
		return logon.DependsOnKind(g.SID) || g.SID == sid.ServiceAsserted || g.Attributes&winnt.SE_GROUP_INTEGRITY != 0
	})
	logon.Add(&spec, winnt.LOGON32_LOGON_INTERACTIVE, logon.Unproved, local)
	if r := (logon.Result{Token: spec}); r.Administrator() && spec.User.SID != sid.LocalSystem {
		spec = logon.Limit(spec)
	}
	spec.Type, spec.Level = winnt.TokenPrimary, 0
	return token.New(spec)
}

// dial connects to the refmond of --names-from; a failure is an error. Without that flag it tries the default socket.
// It then returns nil without an error if there is no socket, or, with a message on standard error, if refmond does
// not answer.
func (c *whyCmd) dial(std *streams) (*client.Conn, error) {
	if c.NamesFrom != "" {
		conn, err := client.Dial(c.NamesFrom)
		if err != nil {
			return nil, fmt.Errorf("--names-from: %w", err)
		}
		return conn, nil
	}
	if _, err := os.Stat(client.Socket()); err != nil {
		return nil, nil
	}
	conn, err := client.Dial(client.Socket())
	if err != nil {
		fmt.Fprintf(std.err, "refmon: refmond does not answer, so %s is a user of the host: %s\n", inLine(c.As),
			printable(err.Error()))
	}
	return conn, nil
}

// servedUser returns a user that refmond knows by name or uid. It returns nil and no error for an unknown user.
// refmond records a logon. conn must stay open while nameOf is in use. Any other refusal, and groups that cannot be
// read, are errors.
func servedUser(conn *client.Conn, name string) (*whyUser, error) {
	if user, err := host.Lookup(name); err == nil && user.Name != "" {
		name = user.Name // name may be a uid
	}
	th := conn.Thread()
	out, st := th.LsaLogonUser(nt.LsaLogonUserIn{LogonType: winnt.LOGON32_LOGON_NETWORK,
		AuthenticationInformation: nt.LogonInformation{MessageType: nt.S4ULogon, UserName: name}})
	switch {
	case st == ntstatus.LogonFailure:
		return nil, nil
	case st != ntstatus.Success && out.SubStatus != ntstatus.Success:
		return nil, fmt.Errorf("refmond refuses %q: %w (%v)", name, st.Err(), out.SubStatus)
	case st != ntstatus.Success:
		return nil, fmt.Errorf("refmond refuses %q: %w", name, st.Err())
	}
	defer th.NtClose(out.Token)
	spec, err := readToken(th, out.Token)
	if err != nil {
		return nil, fmt.Errorf("refmond does not show the token of %q: %w", name, err)
	}
	t, err := token.New(spec)
	if err != nil {
		return nil, err
	}
	u := &whyUser{name: name + " (" + spec.User.SID.String() + ", from refmond)", nameOf: servedNames(th)}
	u.token, err = onMount(t)
	return u, err
}

// readToken reads the user, groups, privileges and integrity of a token in refmond. It omits the logon SID, and claims,
// which no service returns. The type is primary and the policy no-write-up. The first failing query is the error.
func readToken(th *nt.Thread, h winnt.Handle) (spec token.Spec, err error) {
	spec.Type, spec.MandatoryPolicy = winnt.TokenPrimary, winnt.TOKEN_MANDATORY_POLICY_NO_WRITE_UP
	for _, class := range []winnt.TokenInfoClass{winnt.TokenUser, winnt.TokenGroups, winnt.TokenPrivileges,
		winnt.TokenIntegrityLevel} {
		v, st := th.NtQueryInformationToken(h, class)
		if st != ntstatus.Success {
			return spec, st.Err()
		}
		switch v := v.(type) {
		case []token.Group:
			spec.Groups = token.AsGiven(v)
		case []nt.LUIDAndAttributes:
			for _, p := range v {
				spec.Privileges |= winnt.Privilege(p.LUID).Bit()
				if p.Attributes&winnt.SE_PRIVILEGE_ENABLED != 0 {
					spec.EnabledPrivileges |= winnt.Privilege(p.LUID).Bit()
				}
			}
		case token.Group:
			if class == winnt.TokenUser {
				spec.User = v
			} else {
				spec.Integrity = v.SID
			}
		default:
			return spec, errors.New("an unexpected reply")
		}
	}
	// The session ends with the command, so no entry can name it.
	spec.Groups = slices.DeleteFunc(spec.Groups, func(g token.Group) bool {
		return g.Attributes&winnt.SE_GROUP_LOGON_ID == winnt.SE_GROUP_LOGON_ID
	})
	return spec, nil
}

// servedNames returns a function that names SIDs: well-known SIDs and those of this host first, then as refmond does.
// It caches the results. The function returns "" for a SID without a name. A name of refmond has its domain before it.
func servedNames(th *nt.Thread) func(sid.SID) string {
	known, other := map[sid.SID]string{}, namesOf(nil)
	return func(s sid.SID) string {
		if name, ok := known[s]; ok {
			return name
		}
		name := other(s)
		if name == "" {
			name = lookUpName(th, s)
		}
		known[s] = name
		return name
	}
}

// lookUpName returns the name that refmond has for a SID, as DOMAIN\NAME, or "" for an unknown SID or after an error.
func lookUpName(th *nt.Thread, s sid.SID) string {
	policy, st := th.LsaOpenPolicy(winnt.POLICY_LOOKUP_NAMES)
	if st != ntstatus.Success {
		return ""
	}
	defer th.LsaClose(policy)
	out, _ := th.LsaLookupSids(policy, s)
	if len(out.Names) != 1 || out.Names[0].Use == winnt.SidTypeUnknown || out.Names[0].Use == winnt.SidTypeInvalid {
		return ""
	}
	name := out.Names[0].Name
	if at := int(out.Names[0].DomainIndex); at >= 0 && at < len(out.ReferencedDomains) {
		return out.ReferencedDomains[at].Name + `\` + name
	}
	return name
}

// noteClaims returns a note if a DACL of the question has an entry with a condition, because claims could decide it.
// Otherwise it returns "".
func (q *pathQuestion) noteClaims() string {
	conditional := func(s stored) bool {
		if s.descriptor == nil {
			return false
		}
		for _, e := range s.descriptor.DACL().All() {
			if e.Type().IsCallback() {
				return true
			}
		}
		return false
	}
	if !slices.ContainsFunc(q.list, conditional) {
		return ""
	}
	return "refmond does not show the user's claims: entries with conditions are decided as without claims"
}
