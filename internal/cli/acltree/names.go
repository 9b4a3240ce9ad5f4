package acltree

import (
	"errors"
	"fmt"
	"strings"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/directory/host"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sid"
)

// Account is the account that a name denotes. The zero value is not an account.
type Account struct {
	SID   sid.SID
	Group bool
	From  string // where the name was found, for people
}

// WellKnown is [Account].From of names such as Everyone.
const WellKnown = "the well-known names"

// Names finds the account of a name. It looks in Directory, Store, Server and the host, in this order. Each field may
// be nil. The zero value knows well-known names, SIDs and the host's users and groups.
type Names struct {
	Directory *directory.Directory
	Store     func(name string, group bool) (Account, bool)   // a user (or a group) of refmond, from an export
	Server    func(name string) (a Account, ok bool, e error) // a running refmond, and through it domains
	Accounts  ntacl.Accounts                                  // SIDs of the host's ids; nil: S-1-22-1-uid, S-1-22-2-gid
	// Host finds a user (or a group) of the host; nil: the system's own databases.
	Host func(name string, group bool) (id uint32, ok bool, err error)
}

// Find returns the account of a name: a user or group of one of the sources, a well-known name such as Everyone or
// BUILTIN\Users, or a SID. A prefix "user:" or "group:" selects that kind only. An account of a source comes before a
// SID or an alias of SDDL such as BA, and both before a well-known name. If the name is an account and an alias of
// another SID, Find fails, because each reading could be meant (U-116). An empty or unknown name is an error, which
// suggests a similar one. That of an unknown name is an [*UnknownError]. A failed lookup is a [*LookupError], except
// for a SID in the form that [sid.SID.String] prints.
func (n *Names) Find(name string) (Account, error) {
	kind, rest, ok := strings.Cut(name, ":")
	if !ok || kind != "user" && kind != "group" {
		kind, rest = "", name
	}
	if rest == "" {
		return Account{}, errors.New("the name is missing: write, for example, bob:read")
	}
	s, resolved := sid.SID{}, error(nil)
	if kind == "" {
		s, resolved = sid.Resolve(rest, n.domain())
	}
	literal := kind == "" && resolved == nil
	a, found, err := n.account(rest, kind)
	// A whole SID is the way out if the name service is down, unlike an alias (U-116).
	if err != nil && !(literal && s.String() == rest && errors.As(err, new(*LookupError))) {
		return Account{}, err
	}
	switch {
	// The name is an account, and in SDDL another one (U-116).
	case found && literal && s != a.SID:
		return Account{}, fmt.Errorf("%q is %s of %s, and in SDDL it is %v: write the SID that you mean", rest, a.SID,
			a.From, s)
	case found:
		return a, nil
	case literal:
		return Account{SID: s, From: "SDDL"}, nil
	}
	if w, ok := logon.WellKnownName(rest); ok && kind != "user" {
		return Account{SID: w.SID, Group: true, From: WellKnown}, nil
	}
	return Account{}, n.unknown(rest)
}

// domain returns the SID of the directory's domain; zero without a directory.
func (n *Names) domain() sid.SID {
	if n.Directory != nil {
		return n.Directory.Domain
	}
	return sid.SID{}
}

// account looks up a name in the directory, the store, the server and the host, in this order. kind is "user",
// "group" or "" for both. ok is false if no source has the name. A name with a domain is not looked up in the store.
// These are errors:
//   - a failed lookup at the server or the host, a [*LookupError]
//   - the host's overflow user
//   - a name that the directory has, with a domain that it does not know
//   - a name that several users of the directory have in another case
func (n *Names) account(name, kind string) (Account, bool, error) {
	short, domain := unqualified(name)
	kinds := []bool{false, true} // users first
	if kind != "" {
		kinds = []bool{kind == "group"}
	}
	if n.Directory != nil {
		if a, ok, err := n.listed(name, kind); ok || err != nil {
			return a, ok, err
		}
	}
	for _, group := range kinds {
		if n.Store == nil || domain {
			break
		}
		if a, ok := n.Store(name, group); ok {
			return a, true, nil
		}
	}
	if n.Server != nil {
		a, ok, err := n.Server(name)
		if err != nil {
			return Account{}, false, &LookupError{fmt.Errorf("%q: %w", name, err), ""}
		}
		if ok && (kind == "" || a.Group == (kind == "group")) {
			return a, true, nil
		}
	}
	find := n.Host
	if find == nil {
		find = host.ID
	}
	for _, group := range kinds {
		switch id, ok, err := find(name, group); {
		case err != nil:
			// The name could be an account, so it is not unknown and no other source counts (U-116).
			other := ""
			if kind == "" && !group {
				other = fmt.Sprintf("%q for a group, ", "group:"+name)
			}
			return Account{}, false, &LookupError{fmt.Errorf("the host could not look up %q: %w", name, err), other}
		case ok && id == overflow && !group:
			return Account{}, false, errOverflow
		case ok:
			return Account{n.of(id, group), group, "the host"}, true, nil
		}
	}
	// The directory's user may be another one than the domain's (U-118).
	if n.Directory != nil && domain {
		if _, ok, err := n.listed(short, kind); ok || err != nil {
			return Account{}, false, fmt.Errorf("%q: the directory has %q but does not name its domain, and no other source "+
				"has %[1]q: write %[2]q or a SID", name, short)
		}
	}
	return Account{}, false, nil
}

// overflow is the uid by which Linux shows users that have none in a namespace. refmond takes it for the anonymous
// user, and so does an export of its accounts.
const overflow = 65534

var errOverflow = errors.New("uid 65534 stands for every user without an id and is not an account: " +
	"write Anonymous or a SID")

// listed finds a name in the directory, which must not be nil: first a user, then a group. kind selects one of the
// two; "" means both. Several users whose names differ from it in case alone are an error.
func (n *Names) listed(name, kind string) (a Account, ok bool, err error) {
	if kind != "group" {
		switch p, several := n.Directory.Named(name); {
		case several:
			// Otherwise a later source could have an account of that name (U-116).
			return Account{}, false, fmt.Errorf("%q is several users of the directory, such as %q: write the name of one "+
				"exactly, or a SID", name, p.Name)
		case p != nil:
			return Account{SID: p.SID(), From: "the directory"}, true, nil
		}
	}
	if kind != "user" {
		if g := n.Directory.Group(name); len(g) > 0 {
			return Account{g[0], true, "the directory"}, true, nil
		}
	}
	return Account{}, false, nil
}

// unqualified returns the account's name without its domain in DOMAIN\name and name@realm. domain is false, and short
// the whole name, for a name without a domain.
func unqualified(name string) (short string, domain bool) {
	if _, s, ok := strings.Cut(name, `\`); ok {
		return s, true
	}
	short, _, domain = strings.Cut(name, "@")
	return short, domain
}

// of maps a Unix user id, or a group id if group is true, to its SID. It uses n.Accounts, or S-1-22-1 and S-1-22-2 if
// that is nil.
func (n *Names) of(id uint32, group bool) sid.SID {
	switch {
	case n.Accounts != nil:
		return n.Accounts(id, group)
	case group:
		return fileaccess.UnixGroup(id)
	}
	return fileaccess.UnixUser(id)
}

// LookupError says that a source could not look up a name, which may be an account.
type LookupError struct {
	err   error
	other string // a name that needs no such lookup, with a comma and a space; or ""
}

// Error returns the text for people.
func (e *LookupError) Error() string {
	return fmt.Sprintf("%v: write %sa SID, or try again when the name service answers", e.err, e.other)
}

// Unwrap returns the error of the source.
func (e *LookupError) Unwrap() error { return e.err }

// UnknownError says that no source has a name.
type UnknownError struct{ text string }

// Error returns the text for people.
func (e *UnknownError) Error() string { return e.text }

// unknown returns the error for an unknown name. It lists the sources and suggests the most similar name of the
// directory.
func (n *Names) unknown(name string) error {
	sources := []string{"the host"}
	if n.Store != nil {
		sources = append(sources, "the accounts of --id-maps")
	}
	if n.Server != nil {
		sources = append(sources, "refmond")
	}
	near := ""
	if n.Directory != nil {
		sources, near = append(sources, "the directory"), n.Directory.Nearest(name)
	}
	text := fmt.Sprintf("%q is not a user or group of %s, no well-known name and no SID", name,
		strings.Join(sources, ", "))
	if near != "" {
		text += ": did you mean " + near + "?"
	} else if n.Directory == nil {
		text += ": give a file of users and groups with -d"
		if n.Server == nil {
			text += ", or ask refmond with --names-from SOCKET, such as /run/refmon/refmond.sock"
		}
	}
	return &UnknownError{text}
}
