package bulk

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/goccy/go-yaml"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// Principal is somebody who can ask for access.
type Principal struct {
	Name  string
	Token *token.Token
}

// Directory is the principals of a run and the names of accounts. It is
// immutable once read.
type Directory struct {
	Domain     sid.SID // what relative aliases of descriptors count from; may be zero
	Principals []Principal
	Disabled   int                // users left out because their account is disabled
	names      map[sid.SID]string // of users and groups
}

// The directory file, as YAML or JSON.
type (
	directoryFile struct {
		Domain string      `json:"domain" yaml:"domain"`
		Users  []userFile  `json:"users" yaml:"users"`
		Groups []groupFile `json:"groups" yaml:"groups"`
	}
	userFile struct {
		Name     string   `json:"name" yaml:"name"`
		SID      string   `json:"sid" yaml:"sid"`
		MemberOf []string `json:"memberOf" yaml:"memberOf"`
		Claims   any      `json:"claims" yaml:"claims"`
		Disabled bool     `json:"disabled" yaml:"disabled"`
	}
	groupFile struct {
		Name     string   `json:"name" yaml:"name"`
		SID      string   `json:"sid" yaml:"sid"`
		MemberOf []string `json:"memberOf" yaml:"memberOf"`
	}
)

// ReadDirectory reads a directory file: domain, users and groups, as YAML,
// JSON or CSV (see readCSV). A field that does not exist, an unknown group and a name that is there
// twice are errors that name it. Disabled users are left out: they cannot log
// on.
func ReadDirectory(file []byte) (*Directory, error) {
	file = bytes.TrimPrefix(file, []byte("\xef\xbb\xbf"))
	var f directoryFile
	var err error
	if text := bytes.TrimLeft(file, " \t\r\n"); len(text) > 0 && text[0] == '{' {
		d := json.NewDecoder(bytes.NewReader(file))
		d.DisallowUnknownFields()
		d.UseNumber()
		if err = d.Decode(&f); err == nil {
			if _, more := d.Token(); !errors.Is(more, io.EOF) {
				err = errors.New("something follows the object")
			}
		}
	} else if head := csvHead(file); head != nil {
		err = readCSV(file, head, &f)
	} else {
		err = readYAML(file, &f)
	}
	if err != nil {
		return nil, fmt.Errorf("directory: %s", strings.TrimSpace(err.Error()))
	}
	return newDirectory(&f)
}

// readYAML reads YAML. The library panics on some malformed files; that is an
// error of the file like any other.
func readYAML(file []byte, f *directoryFile) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("this is no YAML that can be read (%v)", p)
		}
	}()
	return yaml.UnmarshalWithOptions(file, f, yaml.Strict())
}

// account is a group, or a user while its groups are collected.
type account struct {
	sid    sid.SID
	parent []int // groups it is a member of
	direct []sid.SID
}

// roster resolves names while a directory is made.
type roster struct {
	dir    *Directory
	groups []account
	byName map[string]int
	bySID  map[sid.SID]int
}

func newDirectory(f *directoryFile) (*Directory, error) {
	d := &Directory{names: map[sid.SID]string{}}
	if f.Domain != "" {
		var err error
		if d.Domain, err = sid.Resolve(f.Domain, sid.SID{}); err != nil {
			return nil, fmt.Errorf("directory: domain: %w", err)
		}
	}
	r := &roster{dir: d, byName: map[string]int{}, bySID: map[sid.SID]int{}}
	if err := r.addGroups(f.Groups); err != nil {
		return nil, err
	}
	tokens, errs := r.tokens(f.Users)
	seen := make(map[string]bool, len(f.Users))
	for i := range f.Users {
		u := &f.Users[i]
		err := errs[i]
		if u.Name == "" || seen[u.Name] {
			err = errors.New("every user needs a name, and one of its own")
		}
		if err != nil {
			return nil, fmt.Errorf("directory: users[%d] %q: %w", i, u.Name, err)
		}
		seen[u.Name] = true
		t := tokens[i]
		d.names[t.User().SID] = u.Name
		if u.Disabled {
			d.Disabled++
			continue
		}
		d.Principals = append(d.Principals, Principal{u.Name, t})
	}
	return d, nil
}

// tokens makes the token of each user, on all cores.
func (r *roster) tokens(users []userFile) ([]*token.Token, []error) {
	tokens, errs := make([]*token.Token, len(users)), make([]error, len(users))
	var next atomic.Int64
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			seen := make([]bool, len(r.groups))
			for i := next.Add(1) - 1; int(i) < len(users); i = next.Add(1) - 1 {
				tokens[i], errs[i] = r.token(&users[i], seen)
			}
		})
	}
	wg.Wait()
	return tokens, errs
}

func (r *roster) addGroups(groups []groupFile) error {
	for i, g := range groups {
		s, err := sid.Resolve(g.SID, r.dir.Domain)
		if err != nil {
			return fmt.Errorf("directory: groups[%d] %q: sid: %w", i, g.Name, err)
		}
		key := strings.ToLower(g.Name)
		if _, twice := r.byName[key]; twice || g.Name == "" {
			return fmt.Errorf("directory: groups[%d] %q: every group needs a name, and one of its own", i, g.Name)
		}
		if _, twice := r.bySID[s]; twice {
			return fmt.Errorf("directory: groups[%d] %q: its SID %v is another group's too", i, g.Name, s)
		}
		r.byName[key], r.bySID[s] = i, i
		r.dir.names[s] = g.Name
		r.groups = append(r.groups, account{sid: s})
	}
	for i, g := range groups {
		if err := r.members(&r.groups[i], g.MemberOf); err != nil {
			return fmt.Errorf("directory: groups[%d] %q: %w", i, g.Name, err)
		}
	}
	return nil
}

// members resolves the names or SIDs of the groups an account is a member of.
// A SID need not be listed.
func (r *roster) members(a *account, of []string) error {
	for _, name := range of {
		if g, ok := r.byName[strings.ToLower(name)]; ok {
			a.parent = append(a.parent, g)
			continue
		}
		s, err := sid.Resolve(name, r.dir.Domain)
		if err != nil {
			return fmt.Errorf("memberOf: %q is neither a group of this file nor a SID", name)
		}
		if g, ok := r.bySID[s]; ok {
			a.parent = append(a.parent, g)
		} else {
			a.direct = append(a.direct, s)
		}
	}
	return nil
}

// closure collects the groups of an account, those of its groups, and so on;
// cycles are fine. seen has a place for each group, all clear before and after.
func (r *roster) closure(a *account, seen []bool) []sid.SID {
	reached := make([]int, 0, 64)
	add := func(groups []int) {
		for _, g := range groups {
			if !seen[g] {
				seen[g] = true
				reached = append(reached, g)
			}
		}
	}
	add(a.parent)
	for i := 0; i < len(reached); i++ {
		add(r.groups[reached[i]].parent)
	}
	out := make([]sid.SID, 0, len(reached)+len(a.direct)+8)
	unlisted := func(sids []sid.SID) {
		for _, s := range sids {
			if !slices.Contains(out, s) {
				out = append(out, s)
			}
		}
	}
	unlisted(a.direct)
	for _, g := range reached {
		unlisted(r.groups[g].direct)
	}
	for _, g := range reached {
		seen[g] = false
		out = append(out, r.groups[g].sid)
	}
	return out
}

// Relative identifiers of accounts of every domain.
const (
	guestRID       = 501
	domainUsersRID = 513
	guestsRID      = 514
)

// token makes what a network logon of a user gives on a member of the domain:
// besides its groups, Everyone, Network, Authenticated Users, This
// Organization, Users and the primary group of its domain. A guest is in none
// of these but Everyone and Network, and in Guests. Members of Administrators
// get the full token, at High and with their privileges enabled.
func (r *roster) token(u *userFile, seen []bool) (*token.Token, error) {
	who, err := sid.Resolve(u.SID, r.dir.Domain)
	if err != nil {
		return nil, fmt.Errorf("sid: %w", err)
	}
	var a account
	if err := r.members(&a, u.MemberOf); err != nil {
		return nil, err
	}
	home := !r.dir.Domain.IsZero() && who.Prefix() == r.dir.Domain
	usual := []sid.SID{sid.Everyone, sid.Network}
	switch {
	case home && who.RID() == guestRID:
		a.addUnlisted(r, r.dir.Domain.WithRID(guestsRID))
		usual = append(usual, sid.Guests)
	default:
		if home { // memberOf of a directory leaves the primary group out
			a.addUnlisted(r, r.dir.Domain.WithRID(domainUsersRID))
		}
		usual = append(usual, sid.AuthenticatedUsers, sid.ThisOrganization)
		a.addUnlisted(r, sid.Users)
	}
	groups := r.closure(&a, seen)
	spec := token.StandardUser(who)
	for _, s := range groups {
		if s == sid.Administrators {
			spec = token.Administrator(who)
			spec.EnabledPrivileges = spec.Privileges
			spec.Owner = sid.SID{}
			break
		}
	}
	spec.Groups = nil
	for _, s := range append(groups, usual...) {
		spec.Groups = append(spec.Groups, token.Group{SID: s, Attributes: token.GroupDefault})
	}
	if spec.UserClaims, err = r.claims(u.Claims); err != nil {
		return nil, fmt.Errorf("claims: %w", err)
	}
	return token.New(spec)
}

// addUnlisted makes the account a member of a group, listed or not.
func (a *account) addUnlisted(r *roster, s sid.SID) {
	if g, ok := r.bySID[s]; ok {
		a.parent = append(a.parent, g)
		return
	}
	a.direct = append(a.direct, s)
}

// claims reads the claims of a user: the list of a token file, or a mapping
// from names to a value or values, whose type is that of the first.
func (r *roster) claims(v any) (*claims.Set, error) {
	if v == nil {
		return nil, nil
	}
	if m, ok := v.(map[string]any); ok {
		list, err := claimList(m)
		if err != nil {
			return nil, err
		}
		v = list
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	t, err := token.Parse([]byte(`{"user":"S-1-0-0","userClaims":` + string(raw) + `}`))
	if err != nil {
		return nil, err
	}
	return t.UserClaims(), nil
}

// Name is the name of an account: the directory's, a well-known one, or the
// SID itself.
func (d *Directory) Name(s sid.SID) string {
	if n, ok := d.names[s]; ok {
		return n
	}
	if n := sid.Name(s); n != "" {
		return n
	}
	return s.String()
}

// Known reports whether an account has a name.
func (d *Directory) Known(s sid.SID) bool {
	_, ok := d.names[s]
	return ok || sid.Name(s) != ""
}

// Find is the index of a principal by its name, in any case, or by its SID; -1
// if there is none.
func (d *Directory) Find(who string) int {
	for i := range d.Principals {
		if strings.EqualFold(d.Principals[i].Name, who) {
			return i
		}
	}
	if s, err := sid.Resolve(who, d.Domain); err == nil {
		for i := range d.Principals {
			if d.Principals[i].Token.User().SID == s {
				return i
			}
		}
	}
	return -1
}

// Add adds a principal that is no user of the file, such as a token file.
func (d *Directory) Add(p Principal) {
	d.Principals = append(d.Principals, p)
}

// Tokens are those of the principals, in their order.
func (d *Directory) Tokens() []*token.Token {
	out := make([]*token.Token, len(d.Principals))
	for i := range d.Principals {
		out[i] = d.Principals[i].Token
	}
	return out
}

// print names the state of the directory: it changes with the principals.
func (d *Directory) print() uint64 {
	h := fnv.New64a()
	for i := range d.Principals {
		fmt.Fprintf(h, "%q%x", d.Principals[i].Name, effective.Fingerprint(d.Principals[i].Token))
	}
	return h.Sum64()
}
