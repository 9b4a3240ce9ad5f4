package shares

import (
	"fmt"
	"slices"
	"strings"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Guard decides about access to a file share by its configuration, as smbd does when a client connects. It is made
// for the principals of one directory. The names in the configuration are resolved.
type Guard struct {
	config   *Config
	security *sd.Descriptor
	dir      *directory.Directory
	lists    [5][]member
	forced   *directory.Principal
	group    *sid.SID
	optional bool   // the forced group is for its members only
	refused  string // why no user may connect; "": some may
	Notes    []string
}

// Lists of names, in the order in which the server evaluates them.
const (
	invalid = iota
	valid
	read
	write
	admin
)

var listNames = [5]string{"invalid users", "valid users", "read list", "write list", "admin users"}

// member is a name of a user list in the configuration, with the SIDs that it stands for. Without SIDs the name is
// unresolved.
type member struct {
	name string
	sids []sid.SID
}

// Guard prepares the configuration for decisions about the principals of d, by resolving its names there. security is
// the share's own descriptor from sharesec; nil lets everyone connect. Unresolved names are in Notes. An unknown
// forced user or group refuses everyone.
func (c *Config) Guard(d *directory.Directory, security *sd.Descriptor) *Guard {
	g := &Guard{config: c, security: security, dir: d, Notes: slices.Clone(c.Notes)}
	for i, names := range [5][]string{c.invalid, c.valid, c.read, c.write, c.admin} {
		for _, name := range names {
			g.lists[i] = append(g.lists[i], g.resolveMember(i, name))
		}
	}
	if c.forceUser != "" {
		if g.forced = d.Account(trimDomain(c.forceUser)); g.forced == nil {
			g.refused = fmt.Sprintf("force user = %s: the directory has no such user, so no session is created", c.forceUser)
			g.note("%s", g.refused)
		}
	}
	name, optional := strings.CutPrefix(c.forceGroup, "+")
	if name == "" {
		return g
	}
	g.optional = optional
	if sids := d.Group(trimDomain(name)); len(sids) > 0 {
		g.group = &sids[0]
	} else {
		g.refused = fmt.Sprintf("force group = %s: the directory has no such group, so no session is created", c.forceGroup)
		g.note("%s", g.refused)
	}
	return g
}

// note adds a message with the share's name to Notes.
func (g *Guard) note(format string, args ...any) {
	g.Notes = append(g.Notes, fmt.Sprintf("[%s] ", g.config.Share)+fmt.Sprintf(format, args...))
}

// trimDomain returns a name without what precedes its last backslash.
func trimDomain(name string) string { return name[strings.LastIndexByte(name, '\\')+1:] }

// resolveMember resolves text, a name in the list listNames[list]: a user, a SID, or a group after + or @. A group
// without + or @ matches no one (F-104). An unresolved name returns a member without SIDs and adds a note.
func (g *Guard) resolveMember(list int, text string) member {
	m := member{name: text}
	name := strings.TrimLeft(text, "+@&")
	signs := text[:len(text)-len(name)]
	if name == "%S" {
		name = g.config.Share
	}
	s, err := sid.Parse(name)
	switch {
	case strings.Contains(name, "%"):
	case err == nil && signs == "" && directory.ReadsAsSID(name): // BO is a user's name, and no alias (F-104)
		m.sids = []sid.SID{s}
	case signs == "":
		if u := g.dir.Account(trimDomain(name)); u != nil {
			m.sids = []sid.SID{u.SID()}
		} else if g.dir.Group(trimDomain(name)) != nil {
			m.sids = []sid.SID{{}} // of no token
			g.note("%s: %s is a group: without @ or + it means a user, and no one matches", listNames[list], text)
		}
	case strings.ContainsAny(signs, "+@"):
		m.sids = g.dir.Group(trimDomain(name))
	}
	if m.sids == nil {
		g.note("%s: %s is not resolved by this directory, and a server that cannot resolve it lets no one further",
			listNames[list], text)
	}
	return m
}

// Verdict is the share's decision about one principal. The zero Verdict grants nothing.
type Verdict struct {
	Left  winnt.AccessMask // rights that files can give through the share
	Root  bool             // the file is not checked: all of Left is granted
	As    *token.Token     // token for the check of the file
	Steps []string         // what decided, in order
}

// everything has all bits of an access mask.
const everything = ^winnt.AccessMask(0)

// written are the rights that a read-only share withholds: rights to write, and rights that the server grants at open
// and refuses at use (F-106).
const written = winnt.FILE_WRITE_DATA | winnt.FILE_APPEND_DATA | winnt.FILE_WRITE_EA | winnt.FILE_WRITE_ATTRIBUTES |
	winnt.FILE_DELETE_CHILD | winnt.DELETE | winnt.WRITE_DAC | winnt.WRITE_OWNER

// Decide returns the share's decision about the principal with an index in the directory (F-103). A refusal is a
// Verdict with Left 0, not an error. An error means that the descriptor or the forced group could not be evaluated. An
// index outside the directory panics. The lists come first, then the descriptor, then reading only. In invalid users
// and valid users, an unresolved name refuses unless an earlier name matches.
func (g *Guard) Decide(who int) (v Verdict, err error) {
	p := &g.dir.Principals[who]
	v.As, v.Left = p.Token, everything
	refuse := func(format string, args ...any) (Verdict, error) {
		v.Steps = append(v.Steps, fmt.Sprintf(format, args...)+": may not connect")
		v.Left = 0
		return v, nil
	}
	if g.refused != "" {
		return refuse("%s", g.refused)
	}
	if m, ok := g.match(invalid, p.Token); ok || m != nil {
		return refuse("invalid users = %s", m.name)
	}
	switch m, ok := g.match(valid, p.Token); {
	case ok:
		v.step("valid users = %s: may connect", m.name)
	case m != nil:
		return refuse("valid users = %s is not resolved", m.name)
	case len(g.lists[valid]) > 0:
		return refuse("valid users has none of his names")
	}
	readOnly := g.readOnly(&v, p.Token)
	if g.security != nil {
		most, err := access.Check(p.Token, g.security, winnt.MAXIMUM_ALLOWED, winnt.FileObject)
		if err != nil {
			return Verdict{}, err
		}
		v.step("the share's descriptor grants %v", most.Granted)
		v.Left = most.Granted
		readOnly = readOnly || most.Granted&winnt.FILE_WRITE_DATA == 0
	}
	if readOnly {
		v.Left &^= written
	}
	if v.Left&(winnt.FILE_READ_DATA|winnt.FILE_WRITE_DATA) == 0 {
		return refuse("neither reading nor writing data is left")
	}
	if err := g.chooseAccount(&v, p); err != nil {
		return Verdict{}, err
	}
	return v, nil
}

// step adds a line to Steps, which explain the decision.
func (v *Verdict) step(format string, args ...any) {
	v.Steps = append(v.Steps, fmt.Sprintf(format, args...))
}

// readOnly reports whether "read only" or the read list makes the share read-only for a user. The write list
// overrides both (F-105). An unresolved name in the read list counts as this user, in the write list not. readOnly
// adds the reason to v.
func (g *Guard) readOnly(v *Verdict, t *token.Token) bool {
	readOnly := !g.config.writable
	by := "read only = " + map[bool]string{true: "yes", false: "no"}[readOnly]
	if m, ok := g.match(read, t); ok || m != nil {
		readOnly, by = true, "read list = "+m.name
	}
	if m, ok := g.match(write, t); ok {
		readOnly, by = false, "write list = "+m.name
	}
	v.step("%s: %s", by, map[bool]string{true: "the share is read-only", false: "the share may be written"}[readOnly])
	return readOnly
}

// match returns the first name in the list listNames[list] that stands for the token's user. An unresolved name
// before it ends the search: m is that name and ok is false (F-107). If no name matches, m is nil.
func (g *Guard) match(list int, t *token.Token) (m *member, ok bool) {
	for i := range g.lists[list] {
		m := &g.lists[list][i]
		if m.sids == nil {
			return m, false
		}
		for _, s := range m.sids {
			if !s.IsZero() && t.Member(s, false) {
				return m, true
			}
		}
	}
	return nil, false
}

// chooseAccount sets the account for the file check in v: root for admin users, else the forced user and group
// (F-108). If the forced user is not in a required group, v.Left is 0. Without a forced user, a required group that
// the user is not in is ignored.
func (g *Guard) chooseAccount(v *Verdict, p *directory.Principal) error {
	if m, ok := g.match(admin, p.Token); ok {
		v.step("admin users = %s: descriptors of files are not checked", m.name)
		v.Root = true
		return nil
	}
	primary := g.dir.Primary(p.Token)
	if g.forced != nil {
		v.As = g.forced.Token
		primary = g.forced.Group
		v.step("force user = %s: access to files is checked for that user", g.config.forceUser)
	}
	if g.group == nil {
		return nil
	}
	if g.optional && !v.As.Member(*g.group, false) {
		if g.forced != nil {
			v.step("force group = %s: the forced user is not a member: may not connect", g.config.forceGroup)
			v.Left = 0
		}
		return nil
	}
	v.step("force group = %s: access to files is checked with that primary group", g.config.forceGroup)
	var err error
	v.As, err = inGroup(v.As, *g.group, primary)
	return err
}

// inGroup returns a copy of t with group in place of the group primary, and with default primary group. If primary
// owned new objects, the default owner does so now. It returns an error if the result is not a valid token.
func inGroup(t *token.Token, group, primary sid.SID) (*token.Token, error) {
	spec := t.Spec()
	spec.Groups = slices.DeleteFunc(spec.Groups, func(x token.Group) bool { return x.SID == primary || x.SID == group })
	spec.Groups = append(spec.Groups, token.Group{SID: group, Attributes: token.GroupDefault})
	spec.PrimaryGroup = sid.SID{}
	if spec.Owner == primary {
		spec.Owner = sid.SID{}
	}
	return token.New(spec)
}

// Apply returns a copy of the directory whose principals have the share's decisions. It fails if Decide fails for one
// of them.
func (g *Guard) Apply() (*directory.Directory, error) {
	out := g.dir.Clone()
	for i := range out.Principals {
		v, err := g.Decide(i)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", out.Principals[i].Name, err)
		}
		p := &out.Principals[i]
		p.Who, p.Token, p.Withheld, p.Root = p.SID(), v.As, ^v.Left, v.Root
	}
	return out, nil
}
