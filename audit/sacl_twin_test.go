package audit_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// rareEntry is an audit entry with its rare features as plain fields.
type rareEntry struct {
	mask            winnt.AccessMask
	success, failed bool
	inheritOnly     bool
	typed           int // index into rareTypes, -1 without object type
	condition       int // index into rareConditions
	who             sid.SID
}

var rareTypes = []winnt.GUID{{1}, {2}, {3}, {4}, {5}}

// rareConditions are conditions with their result for rareToken: U is a deny-only member of H and no member of G, and
// the device is in G.
var rareConditions = []struct {
	text   string
	counts bool
}{
	{"", true}, {"(Member_of{SID(S-1-5-21-1-2-3-2002)})", true}, {"(Member_of{SID(S-1-5-21-1-2-3-2001)})", false},
	{"(Device_Member_of{SID(S-1-5-21-1-2-3-2001)})", true}, {"(Device_Member_of{SID(S-1-5-21-1-2-3-2002)})", false},
	{"(@User.none == 1)", true}, {"(@Device.d == 7)", true}, {"(@Device.d == 8)", false}, {"(@User.u == 7)", true},
	{"(@User.u == 8)", false}, {"(l == 7)", true}, {"(l == 8)", false}, {"(@Resource.r == 7)", true},
	{"(@Resource.r == 8)", false}, {"(@Resource.below == 7 && @Resource.r == 8)", false}, {"(@Resource.below == 8)", true},
	{"(Member_of{SID(OW)})", true}, {"(Member_of{SID(PS)})", false},
}

func rareToken(t *testing.T) *token.Token {
	s := specU()
	s.Groups = append(s.Groups, token.Group{SID: groupH, Attributes: winnt.SE_GROUP_USE_FOR_DENY_ONLY})
	s.DeviceGroups = []token.Group{{SID: groupG, Attributes: enabled}}
	s.UserClaims, s.DeviceClaims, s.LocalAttributes = setOfSeven(t, "u"), setOfSeven(t, "d"), setOfSeven(t, "l")
	return mustToken(t, s)
}

// question is the input of one random evaluation.
type question struct {
	entries []rareEntry
	list    []access.ObjectTypeEntry
	nodes   []access.NodeResult
	desired winnt.AccessMask
	dec     access.Decision
	on      audit.Setting
}

func randomQuestion(r *rand.Rand) (q question) {
	for range 1 + r.IntN(4) {
		e := rareEntry{mask: winnt.AccessMask(1 << r.IntN(4)), success: r.IntN(3) > 0, failed: r.IntN(3) > 0,
			inheritOnly: r.IntN(6) == 0, typed: -1, who: sid.Everyone}
		if r.IntN(3) == 0 {
			e.typed = r.IntN(len(rareTypes))
		}
		if r.IntN(3) == 0 {
			e.condition = r.IntN(len(rareConditions))
		}
		if r.IntN(6) == 0 {
			e.who = groupG // not of the token
		}
		q.entries = append(q.entries, e)
	}
	if r.IntN(3) > 0 {
		level := 0
		for i := range 1 + r.IntN(4) {
			q.list = append(q.list, access.ObjectTypeEntry{Level: uint16(level), GUID: rareTypes[i]})
			level = 1 + r.IntN(level+1)
		}
	}
	q.desired = winnt.AccessMask(1 + r.IntN(15))
	q.dec = access.Grant(q.desired)
	if r.IntN(2) == 0 {
		q.dec = access.Refuse(ntstatus.AccessDenied)
	}
	if q.list != nil && r.IntN(2) == 0 {
		for range q.list {
			n := access.NodeResult{Granted: winnt.AccessMask(r.IntN(16)), Verdict: ntstatus.Decided(ntstatus.Success)}
			if r.IntN(2) == 0 {
				n = access.NodeResult{Verdict: ntstatus.Decided(ntstatus.AccessDenied)}
			}
			q.nodes = append(q.nodes, n)
		}
	}
	q.on = audit.Setting(r.IntN(4))
	return q
}

// hit returns the access that an entry records for an outcome, by U-11 and U-12.
func (e rareEntry) hit(q *question, allowed bool, granted winnt.AccessMask) winnt.AccessMask {
	mask, flag := q.desired, e.failed
	if allowed {
		mask, flag = granted, e.success
	}
	recorded := q.on.Has(audit.Failure)
	if allowed {
		recorded = q.on.Has(audit.Success)
	}
	if !flag || !recorded || e.inheritOnly || e.who != sid.Everyone || !rareConditions[e.condition].counts {
		return 0
	}
	return e.mask & mask
}

// place returns the range of nodes that an entry applies to (U-13).
func (e rareEntry) place(q *question) (root, end int, ok bool) {
	if e.typed >= 0 && q.list != nil {
		root = slices.IndexFunc(q.list, func(x access.ObjectTypeEntry) bool { return x.GUID == rareTypes[e.typed] })
		if root < 0 {
			return 0, 0, false
		}
	}
	end = root + 1
	for end < len(q.list) && q.list[end].Level > q.list[root].Level {
		end++
	}
	return root, end, true
}

// expected evaluates U-10 to U-13 slowly.
func (q *question) expected() (v audit.Verdict) {
	for _, e := range q.entries {
		root, end, ok := e.place(q)
		if !ok {
			continue
		}
		if q.nodes == nil {
			hit := e.hit(q, q.dec.Allowed(), q.dec.Granted)
			if hit == 0 {
				continue
			}
			if q.list != nil {
				v.Nodes = append(v.Nodes, root)
			}
			if !q.dec.Allowed() {
				v.Failure = true
				break
			}
			v.Success, v.Audited = true, v.Audited|hit
			continue
		}
		for n := root; n < end; n++ {
			allowed := q.nodes[n].Status() == ntstatus.Success
			if hit := e.hit(q, allowed, q.nodes[n].Granted); hit != 0 {
				v.Nodes = append(v.Nodes, n)
				if allowed {
					v.Success, v.Audited = true, v.Audited|hit
				} else {
					v.Failure = true
				}
			}
		}
	}
	if q.nodes != nil {
		slices.Sort(v.Nodes)
	}
	v.Nodes = unique(v.Nodes)
	return v
}

// unique removes repeated numbers.
func unique(list []int) (out []int) {
	for _, n := range list {
		if !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}

// setOfSeven returns a set with one claim of value 7.
func setOfSeven(t *testing.T, name string) *claims.Set {
	t.Helper()
	return check.Must(claims.NewSet([]claims.Attribute{{Name: name, Type: claims.Int64, Ints: []int64{7}}}))
}

// rareDescriptor returns a file descriptor of U with these entries. r is the file's own resource attribute, after one
// that only its children inherit.
func rareDescriptor(t *testing.T, entries []rareEntry) *sd.Descriptor {
	t.Helper()
	aces := sddl.MustParse(`S:(RA;;;;;WD;("r",TI,0,7))(RA;IOCI;;;;WD;("below",TI,0,7))`).SACL().Slice()
	for _, e := range entries {
		var flags uint8
		for _, f := range []struct {
			set bool
			bit uint8
		}{{e.success, sd.SuccessfulAccess}, {e.failed, sd.FailedAccess}, {e.inheritOnly, sd.InheritOnly}} {
			if f.set {
				flags |= f.bit
			}
		}
		var x sd.ACEExtra
		kind := sd.SystemAudit
		if e.typed >= 0 {
			kind, x.ObjectType = sd.SystemAuditObject, &rareTypes[e.typed]
		}
		if text := rareConditions[e.condition].text; text != "" {
			kind = map[sd.Type]sd.Type{sd.SystemAudit: sd.SystemAuditCallback,
				sd.SystemAuditObject: sd.SystemAuditCallbackObject}[kind]
			x.AppData = []byte(sddl.MustParse("S:(XU;SA;1;;;WD;" + text + ")").SACL().Slice()[0].AppData())
		}
		aces = append(aces, check.Must(sd.NewACE(kind, flags, e.mask, e.who, x)))
	}
	l := check.Must(sd.NewACL(aces...))
	return sd.New(sd.Parts{Control: sd.SACLPresent, Owner: userU, Group: sid.Users, SACL: l})
}

// TestRareAuditEntriesFollowTheRules generates object type lists with one result and with one per node, conditions of
// every scope, and inherit-only entries, and compares the evaluation with U-10 to U-13.
func TestRareAuditEntriesFollowTheRules(t *testing.T) {
	r := source(t)
	tok := rareToken(t)
	const n = 6_000
	counts := map[string]int{}
	for range n {
		q := randomQuestion(r)
		p := mustPolicy(t, audit.PolicySpec{System: map[audit.Subcategory]audit.Setting{audit.FileSystem: q.on}})
		request := access.Request{Descriptor: rareDescriptor(t, q.entries), Subject: access.Subject{Primary: tok},
			Type: winnt.FileObject, Desired: q.desired, ObjectTypes: q.list}
		got, want := p.Evaluate("File", &request, q.dec, q.nodes), q.expected()
		check.RequireThat(t, got.Success == want.Success && got.Failure == want.Failure &&
			got.Audited == want.Audited && slices.Equal(got.Nodes, want.Nodes), "U-12: %+v\n%+v, want %+v", q, got,
			want)
		for what, is := range map[string]bool{"recorded": want.Success || want.Failure, "not recorded": !want.Success &&
			!want.Failure, "list": q.list != nil, "results": q.nodes != nil, "success": want.Success, "failure": want.Failure,
			"typed":       slices.ContainsFunc(q.entries, func(e rareEntry) bool { return e.typed >= 0 }),
			"conditional": slices.ContainsFunc(q.entries, func(e rareEntry) bool { return e.condition > 0 }),
			"inherited":   slices.ContainsFunc(q.entries, func(e rareEntry) bool { return e.inheritOnly })} {
			if is {
				counts[what]++
			}
		}
	}
	for _, what := range []string{"recorded", "not recorded", "list", "results", "success", "failure", "typed",
		"conditional", "inherited"} {
		check.That(t, counts[what] >= n/10, "%s: %d of %d questions, want a tenth", what, counts[what], n)
	}
}
