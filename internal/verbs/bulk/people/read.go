package people

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/refmon/refmon/internal/strict"
	"github.com/refmon/refmon/internal/verbs/strictyaml"
	"github.com/refmon/refmon/sid"
)

// directoryFile is a directory as it is written.
type directoryFile struct {
	Domain string
	Users  []userFile
	Groups []groupFile

	line func(at int) int // of what stands at a place
}

// userFile is a user as it is written.
type userFile struct {
	groupFile
	Claims   []byte // the list of a token file, as JSON; nil: the user has no claims
	Disabled bool
	Primary  string // name or SID of the primary group; "": Domain Users
	uid      unixID // of the user on a server with POSIX accounts
}

// groupFile is a group as it is written.
type groupFile struct {
	Name, SID string
	MemberOf  []string
	gid       unixID // of a group; of a user: its primary group's
	at        int
}

var (
	directoryFields = []string{"domain", "users", "groups"}
	groupFields     = []string{"name", "sid", "memberOf", "gid"}
	userFields      = append(groupFields[:4:4], "claims", "disabled", "uid", "primaryGroup")
)

// maxAccounts is how many users, and how many groups, a directory may have; of a group it is the number of memberships.
const maxAccounts = 1 << 24

// Read reads a directory file: domain, users and groups, as YAML, JSON or CSV (see readCSV). A field that does not
// exist, an unknown group and a name that is there twice are errors that name it and its line. Disabled users are left
// out: they cannot log on.
func Read(file []byte) (*Directory, error) {
	file = bytes.TrimPrefix(file, []byte("\xef\xbb\xbf"))
	f, err := readFile(file)
	if err != nil {
		return nil, fmt.Errorf("directory: %w", err)
	}
	return newDirectory(f)
}

func readFile(file []byte) (*directoryFile, error) {
	if text := bytes.TrimLeft(file, " \t\r\n"); len(text) == 0 || text[0] != '{' {
		if head := csvHead(file); head != nil {
			return readCSV(file, head)
		}
		json, marks, err := strictyaml.JSON(file)
		if err != nil {
			return nil, err
		}
		return readJSON(json, marks)
	}
	return readJSON(file, nil)
}

// reader reads a directory.
type reader struct {
	strict.Reader
	marks []strict.Mark
	f     *directoryFile
}

func readJSON(text []byte, marks []strict.Mark) (*directoryFile, error) {
	f := &directoryFile{line: func(at int) int { return strict.LineOf(text, marks, at) }}
	r := reader{strict.Reader{Scanner: strict.Scanner{Bytes: text}}, marks, f}
	err := r.Object(directoryFields, func(i int) (err error) {
		switch {
		case r.Null():
		case i == 0:
			f.Domain, err = r.Scalar()
		case i == 1:
			err = r.Array(maxAccounts, func(int) error {
				f.Users = append(f.Users, userFile{})
				return r.user(&f.Users[len(f.Users)-1])
			})
		default:
			err = r.Array(maxAccounts, func(int) error {
				f.Groups = append(f.Groups, groupFile{})
				return r.group(&f.Groups[len(f.Groups)-1])
			})
		}
		return err
	})
	if err == nil {
		err = r.Done()
	}
	if err != nil {
		return nil, strict.Locate(text, marks, err)
	}
	return f, nil
}

func (r *reader) group(g *groupFile) error {
	r.Peek()
	g.at = r.Pos
	return r.Object(groupFields, func(i int) error { return r.field(g, i) })
}

// field reads what users and groups have in common.
func (r *reader) field(g *groupFile, i int) (err error) {
	switch i {
	case 0:
		g.Name, err = r.Scalar()
	case 1:
		g.SID, err = r.Scalar()
	case 3:
		g.gid, err = r.unixID()
	default:
		if r.Null() {
			return nil
		}
		err = r.Array(maxAccounts, func(int) error {
			name, err := r.Scalar()
			g.MemberOf = append(g.MemberOf, name)
			return err
		})
	}
	return err
}

func (r *reader) user(u *userFile) error {
	r.Peek()
	u.at = r.Pos
	return r.Object(userFields, func(i int) (err error) {
		switch userFields[i] {
		case "claims":
			u.Claims, err = r.claims()
		case "disabled":
			u.Disabled, err = r.Boolean()
		case "uid":
			u.uid, err = r.unixID()
		case "primaryGroup":
			u.Primary, err = r.Scalar()
		default:
			err = r.field(&u.groupFile, i)
		}
		return err
	})
}

func newDirectory(f *directoryFile) (*Directory, error) {
	d := &Directory{names: make(map[sid.SID]string, len(f.Groups)+len(f.Users)), groups: map[string][]sid.SID{}}
	if f.Domain != "" {
		var err error
		if d.Domain, err = sid.Resolve(f.Domain, sid.SID{}); err != nil {
			return nil, fmt.Errorf("directory: domain: %w", err)
		}
	}
	r := newRoster(d, len(f.Groups))
	d.roster = r
	for i := range f.Groups {
		if err := r.addGroup(&f.Groups[i]); err != nil {
			return nil, f.wrong("groups", i, &f.Groups[i], err)
		}
	}
	for i := range f.Groups {
		if err := r.members(&r.groups[i], f.Groups[i].MemberOf); err != nil {
			return nil, f.wrong("groups", i, &f.Groups[i], err)
		}
	}
	tokens, errs := r.tokens(f.Users)
	seen := make(map[string]bool, len(f.Users))
	for i := range f.Users {
		u := &f.Users[i]
		err := errs[i]
		switch {
		case u.Name == "" || seen[u.Name]:
			err = errors.New("every user needs a name, and one of its own")
		case strings.HasPrefix(strings.ToUpper(u.Name), "S-1-"):
			err = errors.New("the name has the form of a SID: --as and what-can would take it for one")
		}
		if err != nil {
			return nil, f.wrong("users", i, &u.groupFile, err)
		}
		seen[u.Name] = true
		t := tokens[i]
		d.names[t.User().SID] = u.Name
		if p := r.primary(u); !p.IsZero() {
			if d.primary == nil {
				d.primary = map[sid.SID]sid.SID{}
			}
			d.primary[t.User().SID] = p
		}
		if u.uid.given {
			d.names[u.uid.sid(unixUser)] = u.Name
		}
		if u.uid.given {
			d.ids = append(d.ids, AccountID{u.uid.id, false, t.User().SID})
		}
		p := Principal{Name: u.Name, Token: t}
		if u.gid.given {
			p.Group = u.gid.sid(unixGroup)
		}
		if u.Disabled {
			d.Disabled++
			d.disabled = append(d.disabled, p)
			continue
		}
		d.Principals = append(d.Principals, p)
	}
	return d, nil
}

// wrong says which account of the file an error is about.
func (f *directoryFile) wrong(list string, i int, g *groupFile, err error) error {
	return fmt.Errorf("directory: line %d: %s[%d] %q: %w", f.line(g.at), list, i, g.Name, err)
}
