package directory

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/refmon/refmon/internal/sidset"
	"github.com/refmon/refmon/sid"
)

// groupTable is the groups of a directory: their names, and which group is in which. Immutable once newGroupTable
// returned it.
type groupTable struct {
	nodes  []node
	bySID  map[sid.SID]int      // index in nodes, by SID and by the SID of the gid
	names  map[sid.SID]string   // by SID and by the SID of the gid
	byName map[string][]sid.SID // by the folded name: its SID, then the SID of its gid
	ids    []AccountID
	common *sidset.Set // SIDs of groups, to which tokens may refer; maybe those of an earlier version
}

// node is a group, or a user whose groups are being collected, with the groups that it is in directly.
type node struct {
	sid      sid.SID
	parents  []int     // indexes of groups of the directory
	unlisted []sid.SID // groups that the directory does not have
}

// Fold returns the form of a name or distinguished name in which those that differ in case alone are equal: lower case.
// No other letter becomes an ASCII one, because the Kelvin sign K is not a k, and a dotted capital İ not an i.
func Fold(name string) string {
	return strings.Map(func(r rune) rune {
		if low := unicode.ToLower(r); r < utf8.RuneSelf || low >= utf8.RuneSelf {
			return low
		}
		return r
	}, name)
}

// CanonicalDN returns a distinguished name without blanks after the commas, and with special characters after a
// backslash instead of as hexadecimal digits (RFC 4514, 2.4 and 4): CN=a\, b for CN=a\2C b. The texts that directories
// and their tools print for one name then differ in case alone. It keeps blanks elsewhere, as around = and +, and the
// order of the parts of CN=a+OU=b. Semicolons, quotes and object identifiers stay too (RFC 2253).
func CanonicalDN(dn string) string {
	if !strings.Contains(dn, `\`) && !strings.Contains(dn, ", ") {
		return dn
	}
	out := make([]byte, 0, len(dn))
	for i := 0; i < len(dn); i++ {
		if dn[i] != '\\' || i+1 == len(dn) {
			if out = append(out, dn[i]); dn[i] == ',' {
				for i+1 < len(dn) && dn[i+1] == ' ' {
					i++
				}
			}
			continue
		}
		i++
		c := dn[i]
		if n, err := strconv.ParseUint(dn[i:min(i+2, len(dn))], 16, 8); err == nil && i+2 <= len(dn) {
			i++
			c = byte(n)
		}
		if strings.IndexByte(` #+,;<>"\`, c) >= 0 {
			out = append(out, '\\')
		}
		out = append(out, c)
	}
	return string(out)
}

// FoldDN returns the lower case of a distinguished name's canonical text. See [CanonicalDN] for the texts that then
// stay different.
func FoldDN(dn string) string { return Fold(CanonicalDN(dn)) }

// AnyDomain is a domain without accounts. It serves to test whether a name reads as a SID or an alias.
var AnyDomain = sid.MustParse("S-1-5-21-0-0-0")

// ReadsAsSID reports whether a query takes the name for the text form of a SID. It returns false for an alias such as
// "BA", because a query looks for a user of that name first.
func ReadsAsSID(name string) bool {
	_, err := sid.Resolve(name, AnyDomain)
	return err == nil && len(name) > len("BA")
}

// newGroupTable returns the table of the groups in a. It reuses unchanged groups of d, which may be nil. The error is
// an *AccountError about the first group with a bad name, SID or gid: see groupTable.add.
func newGroupTable(a *Accounts, d *Directory) (*groupTable, error) {
	t := &groupTable{nodes: make([]node, len(a.Groups))}
	was := a.Groups[:0]
	if d != nil && equalBy(d.accounts.Groups, a.Groups, (*Group).sameIdentity) {
		t.bySID, t.names, t.byName, t.ids = d.groups.bySID, d.groups.names, d.groups.byName, d.groups.ids
		was = d.accounts.Groups
	} else {
		t.bySID, t.names = make(map[sid.SID]int, len(a.Groups)), make(map[sid.SID]string, len(a.Groups))
		t.byName = make(map[string][]sid.SID, len(a.Groups))
		for i := range a.Groups {
			if err := t.add(i, &a.Groups[i]); err != nil {
				return nil, &AccountError{true, i, a.Groups[i].Name, err}
			}
		}
	}
	for i := range a.Groups {
		if g := &a.Groups[i]; i < len(was) && sameSIDs(was[i].MemberOf, g.MemberOf) {
			t.nodes[i] = d.groups.nodes[i]
		} else {
			t.nodes[i] = t.newNode(g)
		}
	}
	t.common = t.newCommon(d)
	return t, nil
}

// newCommon returns the SIDs of all groups, listed or not. It returns those of d, which may be nil, if d has between
// half and twice as many. Reused tokens keep their set in memory, so a new set for each version would add up.
func (t *groupTable) newCommon(d *Directory) *sidset.Set {
	var all []sid.SID
	for i := range t.nodes {
		all = append(append(all, t.nodes[i].sid), t.nodes[i].unlisted...)
	}
	if d != nil {
		if n := d.groups.common.Len(); 2*n >= len(all) && n <= 2*len(all) {
			return d.groups.common
		}
	}
	return sidset.New(all)
}

// add enters the names and ids of group g, whose index is i. After an error some may be entered. Errors:
//   - the name is empty, reads as a SID or alias, or is taken in any case
//   - the SID is zero or taken
//   - the gid is taken
func (t *groupTable) add(i int, g *Group) error {
	key := Fold(g.Name)
	if g.Name == "" {
		return errors.New("the group needs a name")
	}
	if _, twice := t.byName[key]; twice {
		return errors.New("an earlier group has the same name")
	}
	if _, err := sid.Resolve(g.Name, AnyDomain); err == nil {
		return errors.New("the name is that of a SID or an alias, which memberOf could mean as well: give the group " +
			"another")
	}
	if g.SID.IsZero() {
		return errors.New("the group has no SID")
	}
	if _, twice := t.bySID[g.SID]; twice {
		return fmt.Errorf("its SID %v is another group's too", g.SID)
	}
	t.bySID[g.SID] = i
	t.names[g.SID] = g.Name
	t.byName[key] = append(t.byName[key], g.SID)
	if g.GID.Known {
		t.ids = append(t.ids, AccountID{g.GID.ID, true, g.SID})
	}
	if posix := g.posix(); !posix.IsZero() {
		if _, twice := t.bySID[posix]; twice {
			return fmt.Errorf("its gid %d is another group's too", g.GID.ID)
		}
		t.bySID[posix] = i
		t.names[posix] = g.Name
		t.byName[key] = append(t.byName[key], posix)
	}
	return nil
}

// posix returns the Unix form of the group's SID, S-1-22-2-gid, which also identifies its members (B-1). It returns
// the zero SID without a gid, or if the group's own SID is that SID.
func (g *Group) posix() sid.SID {
	if posix := g.GID.sid(UnixGroups); g.GID.Known && posix != g.SID {
		return posix
	}
	return sid.SID{}
}

// newNode returns a node with the group's SID, its gid's SID if it has one, and its direct memberships. Groups that
// the directory does not list are kept as SIDs. It does not change t.
func (t *groupTable) newNode(g *Group) node {
	n := node{sid: g.SID, parents: make([]int, 0, len(g.MemberOf))}
	if posix := g.posix(); !posix.IsZero() {
		n.unlisted = append(n.unlisted, posix)
	}
	for _, s := range g.MemberOf {
		t.join(&n, s)
	}
	return n
}

// join makes the node n a direct member of a group. The directory need not list the group. A second call for the same
// group adds it again.
func (t *groupTable) join(n *node, group sid.SID) {
	if g, ok := t.bySID[group]; ok {
		n.parents = append(n.parents, g)
	} else {
		n.unlisted = append(n.unlisted, group)
	}
}
