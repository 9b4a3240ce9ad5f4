package main

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// tokenDiffCmd holds the arguments and flags of refmon token diff.
type tokenDiffCmd struct {
	A string `arg:"" help:"Token file."`
	B string `arg:"" help:"Token file, - for standard input."`
}

// Help returns the long text of --help for refmon token diff.
func (tokenDiffCmd) Help() string {
	return `Prints the parts that only the second token has (+), only the first has (-), or both have with different
attributes (~). The exit code is 0 if both tokens lead to the same decisions, 1 if they differ.`
}

// Run prints the differences of two tokens that decisions can depend on. It returns errDenied if there are any, and
// else says so. Claims of the restricted pass are compared only if both tokens are restricted.
func (c *tokenDiffCmd) Run(std *streams) error {
	a, err := std.readToken(c.A)
	if err != nil {
		return err
	}
	b, err := std.readToken(c.B)
	if err != nil {
		return err
	}
	d := &tokenDiff{w: tabwriter.NewWriter(std.out, 0, 8, 2, ' ', 0), std: std}
	d.facts(a, b)
	d.groups("group", groupMap(a.Groups()), groupMap(b.Groups()))
	d.groups("restricting SID", groupMap(slices.All(a.Spec().Restricted)), groupMap(slices.All(b.Spec().Restricted)))
	d.groups("capability", groupMap(a.Capabilities()), groupMap(b.Capabilities()))
	d.groups("device group", groupMap(a.DeviceGroups()), groupMap(b.DeviceGroups()))
	d.groups("restricting device group", groupMap(a.RestrictedDeviceGroups()), groupMap(b.RestrictedDeviceGroups()))
	d.privileges(a, b)
	for _, c := range claimSets {
		d.claims(c.name, decidingClaims(c.of(a)), decidingClaims(c.of(b)))
	}
	for _, c := range restrictedSets {
		// Without a list the restricted pass sees all claims (T-67).
		if a.IsRestricted() && b.IsRestricted() && (c.seen(a) != c.all(a) || c.seen(b) != c.all(b)) {
			d.claims(c.name, decidingClaims(c.seen(a)), decidingClaims(c.seen(b)))
		}
	}
	if err := d.w.Flush(); err != nil {
		return err
	}
	if d.n == 0 {
		fmt.Fprintln(std.out, "the tokens decide alike")
		return nil
	}
	return errDenied
}

// tokenDiff prints and counts the differences of two tokens.
type tokenDiff struct {
	std *streams
	w   *tabwriter.Writer
	n   int // differences
}

// line prints one difference and counts it. sign is "-" for removed, "+" for added and "~" for changed.
func (d *tokenDiff) line(sign, what, value, note string) {
	d.n++
	fmt.Fprintf(d.w, "%s\t%s\t%s\t%s\n", sign, what, inLine(value), inLine(note))
}

// facts prints a line for each single value in which the tokens differ, such as the user or the integrity level. An
// empty value prints as "none". Equal tokens print nothing.
func (d *tokenDiff) facts(a, b *token.Token) {
	for _, f := range []struct {
		name string
		of   func(*token.Token) string
	}{
		{"user", func(t *token.Token) string { return t.User().SID.String() }},
		{"user attributes", func(t *token.Token) string { return attributes(t.User().Attributes) }},
		{"type", func(t *token.Token) string { return t.Type().String() }},
		{"level", levelName},
		{"integrity", func(t *token.Token) string { return token.IntegrityName(t.Integrity()) }},
		{"mandatory policy", func(t *token.Token) string { return fmt.Sprintf("0x%x", t.MandatoryPolicy()) }},
		{"restricted", func(t *token.Token) string { return fmt.Sprint(t.IsRestricted()) }},
		{"write restricted", func(t *token.Token) string { return fmt.Sprint(t.WriteRestricted()) }},
		{"package", func(t *token.Token) string { return t.Package().String() }},
		{"less privileged", func(t *token.Token) string { return fmt.Sprint(t.LowPrivilege()) }},
		{"trust level", func(t *token.Token) string { return t.TrustLevel().String() }},
		{"default DACL", defaultDACL},
		{"owner", func(t *token.Token) string { return t.Owner().String() }},
		{"primary group", func(t *token.Token) string { return t.PrimaryGroup().String() }},
	} {
		if x, y := f.of(a), f.of(b); x != y {
			d.line("~", f.name, orNone(y), "was "+orNone(x))
		}
	}
}

// claimSets are the sets of claims of a token that conditions use.
var claimSets = []struct {
	name string
	of   func(*token.Token) *claims.Set
}{
	{"user claim", (*token.Token).UserClaims},
	{"device claim", (*token.Token).DeviceClaims},
	{"local attribute", (*token.Token).LocalAttributes},
}

// restrictedSets are the claims that the restricted pass uses.
var restrictedSets = []struct {
	name      string
	seen, all func(*token.Token) *claims.Set
}{
	{"restricted user claim", (*token.Token).RestrictedUserClaims, (*token.Token).UserClaims},
	{"restricted device claim", (*token.Token).RestrictedDeviceClaims, (*token.Token).DeviceClaims},
}

// claimLines returns each claim in the SDDL form of a resource attribute, nil for an empty or nil set. A claim
// without such a form is printed in Go's.
func claimLines(s *claims.Set) []string {
	var list []string
	for _, a := range s.All() {
		text := a.Format(nil)
		if text == "" { // SDDL cannot express the claim
			text = fmt.Sprintf("%q %v", a.Name, a)
		}
		list = append(list, text)
	}
	return list
}

// decidingClaims returns the lines of [claimLines] for the claims that count in conditions. Of several claims with one
// name that is the last.
func decidingClaims(s *claims.Set) (list []string) {
	lines := claimLines(s)
	for i, a := range s.All() {
		counts := true
		for j, later := range s.All() {
			counts = counts && (j <= i || !claims.EqualName(a.Name, later.Name))
		}
		if counts {
			list = append(list, lines[i])
		}
	}
	return list
}

// claims prints the claims that only a has, and then those that only b has. A changed claim is both.
func (d *tokenDiff) claims(what string, a, b []string) {
	for _, c := range a {
		if !slices.Contains(b, c) {
			d.line("-", what, c, "")
		}
	}
	for _, c := range b {
		if !slices.Contains(a, c) {
			d.line("+", what, c, "")
		}
	}
}

// levelName returns the level of an impersonation token, "" for a primary one.
func levelName(t *token.Token) string {
	if t.Type() != winnt.TokenImpersonation {
		return ""
	}
	return strings.TrimPrefix(t.Level().String(), "Security")
}

// defaultDACL returns the token's default DACL as SDDL, "" if it has none. One that SDDL cannot express gives its size
// in words.
func defaultDACL(t *token.Token) string {
	if t.DefaultDACL() == nil {
		return ""
	}
	text, err := sddl.Format(sd.New(sd.Parts{DACL: t.DefaultDACL()}), sddl.Options{})
	if err != nil {
		return fmt.Sprintf("%d bytes that SDDL cannot express", t.DefaultDACL().Size())
	}
	return text
}

// orNone returns s, or "none" if it is empty.
func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// groupIn is a group of a token with the attributes of each occurrence of its SID.
type groupIn struct {
	sid  sid.SID
	each []string // without doubles, in order
}

// attributes returns the attributes of each occurrence of the group, joined by "and".
func (g *groupIn) attributes() string { return strings.Join(g.each, " and ") }

// groupMap returns each SID once, in the order in which they first occur in the token. A SID can occur more than once,
// and each occurrence counts in a check: it gets its different attributes, sorted.
func groupMap(all func(func(int, token.Group) bool)) []groupIn {
	var list []groupIn
	for _, g := range all {
		i := slices.IndexFunc(list, func(in groupIn) bool { return in.sid == g.SID })
		if i < 0 {
			i, list = len(list), append(list, groupIn{sid: g.SID})
		}
		each := append(list[i].each, attributes(g.Attributes))
		slices.Sort(each)
		list[i].each = slices.Compact(each)
	}
	return list
}

// find returns the group with SID s. If there is none, it returns the zero groupIn and false.
func find(list []groupIn, s sid.SID) (groupIn, bool) {
	for _, g := range list {
		if g.sid == s {
			return g, true
		}
	}
	return groupIn{}, false
}

// groups prints the groups that only a or only b has, and those whose attributes differ. The order of a list is
// ignored.
func (d *tokenDiff) groups(what string, a, b []groupIn) {
	for _, g := range a {
		if _, ok := find(b, g.sid); !ok {
			d.line("-", what, g.sid.String(), sid.Name(g.sid))
		}
	}
	for _, g := range b {
		switch old, ok := find(a, g.sid); {
		case !ok:
			d.line("+", what, g.sid.String(), strings.TrimSpace(sid.Name(g.sid)+"  "+g.attributes()))
		case old.attributes() != g.attributes():
			d.line("~", what, g.sid.String(), g.attributes()+", was "+old.attributes())
		}
	}
}

// attributes returns the names of a group's attribute bits, separated by spaces, or "none".
func attributes(a uint32) string { return orNone(strings.Join(token.GroupAttributeNames(a), " ")) }

// privileges prints the privileges that only a or only b has, and those that only one of them has enabled.
func (d *tokenDiff) privileges(a, b *token.Token) {
	for p := winnt.FirstPrivilege; p <= winnt.LastPrivilege; p++ {
		switch had, has := a.Present().Has(p), b.Present().Has(p); {
		case had && !has:
			d.line("-", "privilege", p.String(), "")
		case has && !had:
			d.line("+", "privilege", p.String(), state(b, p))
		case has && a.Has(p) != b.Has(p):
			d.line("~", "privilege", p.String(), state(b, p)+", was "+state(a, p))
		}
	}
}

// state returns "enabled", or "disabled" for a privilege that is disabled or missing.
func state(t *token.Token, p winnt.Privilege) string {
	if t.Has(p) {
		return "enabled"
	}
	return "disabled"
}
