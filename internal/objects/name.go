package objects

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// Name finds objects as a person names them: by path or distinguished name, and accounts also by sAMAccountName, user
// principal name, SID or alias (U-119). Only the number of objects found changes; it may be read while a run goes on.
type Name struct {
	Text string

	dn       string               // Text as directory.CanonicalDN returns it
	domain   string               // in DOMAIN\name; "": none, or one of the built-in ones
	short    string               // Text without the domain in DOMAIN\name
	sids     []sid.SID            // of the account that the directory has by this name, or that Text is
	people   *directory.Directory // nil: not known
	found    atomic.Int64
	accounts atomic.Bool // the objects have accounts
	others   atomic.Bool // the objects have accounts of other domains than that of the name
}

// NewName returns the Name for a text. d has the SIDs of accounts, for files of objects that have no names of
// accounts, and the domain of aliases such as DA. If d is nil, only a SID as text finds an account in such files.
func NewName(text string, d *directory.Directory) *Name {
	text, _ = TrimProvider(text)
	n := &Name{Text: text, dn: directory.CanonicalDN(text), short: text, people: d}
	if domain, short, ok := strings.Cut(text, `\`); ok && domain != "" && !strings.ContainsAny(short, `\/`) {
		n.short = short
		if !strings.EqualFold(domain, "BUILTIN") && !strings.EqualFold(domain, "NT AUTHORITY") {
			n.domain = domain
		}
	}
	var domain sid.SID
	if d != nil {
		domain = d.Domain
		// Without its domain a name is the directory's (U-110).
		if p := d.Account(n.short); p != nil {
			n.sids = []sid.SID{p.SID()}
			return n
		}
		if n.sids = d.Group(n.short); n.sids != nil {
			return n
		}
	}
	// An alias of SDDL, such as DA, is a name that no account has (U-119).
	if s, err := sid.Resolve(text, domain); err == nil {
		n.sids = []sid.SID{s}
	}
	return n
}

// TrimProvider removes PowerShell's provider from a path: Microsoft.PowerShell.Core\FileSystem::C:\a is C:\a. It
// returns any other text unchanged. typ is the type of the provider's objects: a key for Registry, an object of a
// directory for ActiveDirectory, nil for others.
func TrimProvider(path string) (text string, typ *winnt.ObjectType) {
	provider, rest, ok := strings.Cut(path, "::")
	switch {
	case !ok || !strings.HasPrefix(provider, "Microsoft."):
		return path, nil
	case strings.HasSuffix(provider, `\Registry`):
		return rest, winnt.KeyObject
	case strings.HasSuffix(provider, `\ActiveDirectory`):
		return strings.TrimPrefix(rest, "//RootDSE/"), winnt.DirectoryServiceObject
	case strings.HasPrefix(provider, "Microsoft.PowerShell."):
		return rest, nil
	}
	return path, nil
}

// isWindowsPath reports whether a path starts with a drive, such as C:\ or C:/, or with two backslashes.
func isWindowsPath(path string) bool {
	return strings.HasPrefix(path, `\\`) || len(path) > 2 && path[1] == ':' && (path[2] == '\\' || path[2] == '/')
}

// Found returns how often Is returned true. It may be called while other goroutines call Is.
func (n *Name) Found() int { return int(n.found.Load()) }

// NotFound returns an error that wraps [ErrNotFound]. If the objects that Is was called for have accounts, it suggests
// the account of the directory whose name is nearest to a misspelled one.
func (n *Name) NotFound() error {
	if n.accounts.Load() && n.people != nil && (len(n.sids) == 0 || n.others.Load()) {
		if near := n.people.Nearest(n.Text); near != "" {
			return fmt.Errorf("%q: %w: did you mean %s?", n.Text, ErrNotFound, near)
		}
	}
	return fmt.Errorf("%q: %w", n.Text, ErrNotFound)
}

// Is reports whether the object at path has the name, and counts it if so. e may be nil. The case of distinguished
// names, of accounts' names and of Windows paths does not matter; that of other paths does. An unreadable object is
// found by its path.
func (n *Name) Is(path string, e *Entry) bool {
	if e.Account() && !n.accounts.Load() {
		n.accounts.Store(true)
	}
	// Windows ignores the case of paths (B-104).
	is := path == n.Text || isWindowsPath(n.Text) && strings.EqualFold(path, n.Text) ||
		e != nil && (strings.EqualFold(directory.CanonicalDN(path), n.dn) || n.account(path, e))
	if is {
		n.found.Add(1)
	}
	return is
}

// account reports whether the account e at the distinguished name path has the name or its SID. Names match in any
// case. An account outside the name's domain does not match, and n.others records it. e must not be nil.
func (n *Name) account(path string, e *Entry) bool {
	if !n.inDomain(path) {
		n.others.Store(true)
		return false
	}
	// The names of a foreign account are those of its object in its own domain (U-119).
	if e.Account() && slices.Contains(n.sids, e.SID) && (!e.Foreign() || strings.EqualFold(n.Text, e.SID.String())) {
		return true
	}
	if name, realm, ok := strings.Cut(n.Text, "@"); ok {
		// The implicit name is the account's name in the domain of its distinguished name (MS-ADTS 5.1.1.1.1).
		return strings.EqualFold(e.UPN, n.Text) ||
			name != "" && strings.EqualFold(e.Name, name) && strings.EqualFold(dnsOf(path), realm)
	}
	return e.Name != "" && (strings.EqualFold(e.Name, n.short) ||
		strings.EqualFold(e.Name, n.short+"$") && e.Is("computer"))
}

// inDomain reports whether the name's domain is that of the account with the distinguished name path. The domain may
// be the account's DNS domain or its first label, the default short name (U-110). A name or a path without a domain
// matches.
func (n *Name) inDomain(path string) bool {
	realm := dnsOf(path)
	short, _, _ := strings.Cut(realm, ".")
	return n.domain == "" || realm == "" || strings.EqualFold(n.domain, realm) || strings.EqualFold(n.domain, short)
}

// dnsOf joins the DC= parts of a distinguished name to a DNS name, such as "corp.example". It returns "" if there are
// none.
func dnsOf(dn string) string {
	var labels []string
	for part := range strings.SplitSeq(dn, ",") {
		if name, value, ok := strings.Cut(strings.TrimSpace(part), "="); ok && strings.EqualFold(name, "DC") {
			labels = append(labels, value)
		}
	}
	return strings.Join(labels, ".")
}
