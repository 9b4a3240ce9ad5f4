package dirfile

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/strict"
	"github.com/refmon/refmon/internal/strictyaml"
	"github.com/refmon/refmon/internal/utf16text"
)

// file is a parsed directory file. Names and aliases in it are not resolved to SIDs yet.
type file struct {
	Domain string
	// Computer is the SID of the computer whose own accounts the file has, Logon the kind of logon; "": none is given.
	Computer, Logon string

	Users  []user
	Groups []group

	line func(at int) int // line of an offset
}

// user is a user in a directory file.
type user struct {
	group
	UID      directory.UnixID
	Claims   []byte // the list of a token file, as JSON; nil: the user has no claims
	Disabled bool
	Primary  string // name or SID of the primary group; "": Domain Users
}

// group is a group in a directory file, or the fields of a user that groups have too.
type group struct {
	Name, SID string
	MemberOf  []string
	GID       directory.UnixID // of a group; of a user: its primary group's
	at        int              // offset of the account; in CSV its line
}

var (
	directoryFields = []string{"domain", "users", "groups", "computer", "logon"}
	groupFields     = []string{"name", "sid", "memberOf", "gid"}
	userFields      = append(groupFields[:4:4], "claims", "disabled", "uid", "primaryGroup")
)

// maxAccounts limits the users, the groups, and the memberships of one group.
const maxAccounts = 1 << 24

// Read returns the directory in a directory file: domain, computer, kind of logon, users and groups. The file is YAML,
// JSON or CSV (see readCSV), in UTF-8, or in UTF-16 with a byte order mark, as PowerShell redirects output. An unknown
// field, an unknown group and a duplicate name are errors with the line. So is an empty file.
func Read(b []byte) (*directory.Directory, error) {
	b, err := utf16text.UTF8(b)
	if err != nil {
		return nil, fmt.Errorf("directory: %w", err)
	}
	f, err := readFile(b)
	if err != nil {
		return nil, fmt.Errorf("directory: %w", err)
	}
	accounts, err := f.resolve()
	var d *directory.Directory
	if err == nil {
		d, err = directory.New(accounts)
	}
	var wrong *directory.AccountError
	if errors.As(err, &wrong) {
		return nil, fmt.Errorf("directory: line %d: %w", f.lineOf(wrong), err)
	}
	if err != nil {
		return nil, fmt.Errorf("directory: %w", err)
	}
	return d, nil
}

// readFile parses a file without resolving names. It starts with "{" in JSON and with columns name and sid in CSV; any
// other file is YAML. An empty file is YAML.
func readFile(b []byte) (*file, error) {
	if text := bytes.TrimLeft(b, " \t\r\n"); len(text) == 0 || text[0] != '{' {
		if head := csvHead(b); head != nil {
			return readCSV(b, head)
		}
		json, marks, err := strictyaml.JSON(b)
		if err != nil {
			return nil, err
		}
		return readJSON(json, marks)
	}
	return readJSON(b, nil)
}

// reader parses the JSON form of a directory file, and finds the position of errors in the original.
type reader struct {
	strict.Reader
	marks []strict.Mark
	f     *file
}

// readJSON parses a directory in JSON. marks are positions in the YAML source for error messages, nil for a JSON
// source. null counts as absent. An unknown or repeated field, a wrong type, more than maxAccounts users or groups,
// and text after the end are errors.
func readJSON(text []byte, marks []strict.Mark) (*file, error) {
	f := &file{line: func(at int) int { return strict.LineOf(text, marks, at) }}
	r := reader{strict.Reader{Scanner: strict.Scanner{Bytes: text}}, marks, f}
	err := r.Object(directoryFields, func(i int) (err error) {
		switch {
		case r.Null():
		case i == 0:
			f.Domain, err = r.Scalar()
		case i == 1:
			err = r.Array(maxAccounts, func(int) error {
				f.Users = append(f.Users, user{})
				return r.user(&f.Users[len(f.Users)-1])
			})
		case i == 3:
			f.Computer, err = r.Scalar()
		case i == 4:
			f.Logon, err = r.Scalar()
		default:
			err = r.Array(maxAccounts, func(int) error {
				f.Groups = append(f.Groups, group{})
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

// group reads the object of a group into g.
func (r *reader) group(g *group) error {
	r.Peek()
	g.at = r.Pos
	return r.Object(groupFields, func(i int) error { return r.field(g, i) })
}

// field reads a field that users and groups share into g. i is the field: 0 is the name, 1 the SID, 3 the gid, any
// other memberOf. A null memberOf means no groups. A malformed value and more than maxAccounts groups are errors.
func (r *reader) field(g *group, i int) (err error) {
	switch i {
	case 0:
		g.Name, err = r.Scalar()
	case 1:
		g.SID, err = r.Scalar()
	case 3:
		g.GID, err = r.unixID()
	default:
		if r.Null() {
			return nil
		}
		g.MemberOf = make([]string, 0, 4)
		err = r.Array(maxAccounts, func(int) error {
			name, err := r.Scalar()
			g.MemberOf = append(g.MemberOf, name)
			return err
		})
	}
	return err
}

// user reads the object of a user into u and records its position. An unknown or malformed field is an error.
func (r *reader) user(u *user) error {
	r.Peek()
	u.at = r.Pos
	return r.Object(userFields, func(i int) (err error) {
		switch userFields[i] {
		case "claims":
			u.Claims, err = r.claims()
		case "disabled":
			u.Disabled, err = r.Boolean()
		case "uid":
			u.UID, err = r.unixID()
		case "primaryGroup":
			u.Primary, err = r.Scalar()
		default:
			err = r.field(&u.group, i)
		}
		return err
	})
}

// unixID reads a uid or gid, as a number or a string. Any other value is an error.
func (r *reader) unixID() (directory.UnixID, error) {
	text, err := r.Scalar()
	if err != nil {
		return directory.UnixID{}, err
	}
	return directory.ParseUnixID(text)
}
