package questions

import (
	"slices"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// feature is something rare that a check knows, and whether a question has it.
type feature struct {
	name string
	in   func(r *access.Request, t *token.Token, d *sd.Descriptor) bool
}

// has returns a feature: the DACL, or the SACL if system is true, has an effective entry for which met returns true.
// Inherit-only entries are ignored.
func has(name string, system bool, met func(a sd.ACE) bool) feature {
	return feature{name, func(_ *access.Request, _ *token.Token, d *sd.Descriptor) bool {
		l := d.DACL()
		if system {
			l = d.SACL()
		}
		for _, a := range l.All() {
			if a.Flags()&sd.InheritOnly == 0 && met(a) {
				return true
			}
		}
		return false
	}}
}

// ofType returns a function that reports whether an entry has one of the types.
func ofType(types ...sd.Type) func(a sd.ACE) bool {
	return func(a sd.ACE) bool {
		for _, t := range types {
			if a.Type() == t {
				return true
			}
		}
		return false
	}
}

// of matches entries of a SID.
func of(s sid.SID) func(a sd.ACE) bool { return func(a sd.ACE) bool { return a.SID() == s } }

// features are all that a generator must draw.
var features = []feature{
	has("object entry", false, ofType(sd.AccessAllowedObject, sd.AccessDeniedObject)),
	has("callback entry", false, ofType(sd.AccessAllowedCallback, sd.AccessDeniedCallback)),
	has("callback object entry", false, ofType(sd.AccessAllowedCallbackObject, sd.AccessDeniedCallbackObject)),
	has("compound entry", false, ofType(sd.AccessAllowedCompound)),
	has("OWNER RIGHTS", false, of(sid.OwnerRights)), has("PRINCIPAL_SELF", false, of(sid.PrincipalSelf)),
	has("label", true, ofType(sd.SystemMandatoryLabel)), has("trust label", true, ofType(sd.SystemProcessTrustLabel)),
	has("access filter", true, ofType(sd.SystemAccessFilter)),
	has("resource attribute", true, ofType(sd.SystemResourceAttribute)),
	{"central policy", func(r *access.Request, _ *token.Token, d *sd.Descriptor) bool {
		return r.Policies != nil && d.SACL().Facts()&sd.HasScopedPolicy != 0
	}},
	{"no DACL", func(_ *access.Request, _ *token.Token, d *sd.Descriptor) bool { return !d.HasDACL() }},
	{"owner", func(_ *access.Request, t *token.Token, d *sd.Descriptor) bool { return t.Member(d.Owner(), false) }},
	{"object types", func(r *access.Request, _ *token.Token, _ *sd.Descriptor) bool { return len(r.ObjectTypes) > 1 }},
	{"self", func(r *access.Request, _ *token.Token, _ *sd.Descriptor) bool { return !r.Self.IsZero() }},
	{"intent", func(r *access.Request, _ *token.Token, _ *sd.Descriptor) bool { return r.Intent != access.Intent{} }},
	{"granted before", func(r *access.Request, _ *token.Token, _ *sd.Descriptor) bool { return r.Previous != 0 }},
	{"owner read-only", func(r *access.Request, _ *token.Token,
		_ *sd.Descriptor) bool {
		return r.Options.ADOwnerReadOnly
	}},
	{"maximum", func(r *access.Request, _ *token.Token, _ *sd.Descriptor) bool {
		return r.Desired&winnt.MAXIMUM_ALLOWED != 0
	}},
	{"SACL asked for", func(r *access.Request, _ *token.Token, _ *sd.Descriptor) bool {
		return r.Desired&winnt.ACCESS_SYSTEM_SECURITY != 0
	}},
	{"restricted", func(_ *access.Request, t *token.Token, _ *sd.Descriptor) bool { return t.IsRestricted() }},
	{"restricted in writing", func(_ *access.Request, t *token.Token, _ *sd.Descriptor) bool {
		return t.IsRestricted() && t.WriteRestricted()
	}},
	{"restricting SID that was dropped", func(_ *access.Request, t *token.Token, _ *sd.Descriptor) bool {
		return t.RestrictedDenySet().Len() > t.RestrictedSet().Len()
	}},
	{"restricted AppContainer", func(_ *access.Request, t *token.Token, _ *sd.Descriptor) bool {
		return t.IsRestricted() && t.IsAppContainer()
	}},
	{"several resource attributes", func(_ *access.Request, _ *token.Token, d *sd.Descriptor) bool {
		n := 0
		for _, a := range d.SACL().All() {
			if a.Type() == sd.SystemResourceAttribute {
				n++
			}
		}
		return n > 1
	}},
	{"AppContainer", func(_ *access.Request, t *token.Token, _ *sd.Descriptor) bool { return t.IsAppContainer() }},
	{"low privilege", func(_ *access.Request, t *token.Token, _ *sd.Descriptor) bool { return t.LowPrivilege() }},
	{"low integrity", func(_ *access.Request, t *token.Token, _ *sd.Descriptor) bool { return t.Integrity() < 0x2000 }},
	{"privilege", func(_ *access.Request, t *token.Token, _ *sd.Descriptor) bool { return t.Enabled() != 0 }},
	{"trust", func(_ *access.Request, t *token.Token, _ *sd.Descriptor) bool { return !t.TrustLevel().IsZero() }},
	{"deny-only group", func(_ *access.Request, t *token.Token, _ *sd.Descriptor) bool {
		for _, g := range t.Groups() {
			if g.Attributes&winnt.SE_GROUP_USE_FOR_DENY_ONLY != 0 {
				return true
			}
		}
		return false
	}},
	{"claims", func(_ *access.Request, t *token.Token, _ *sd.Descriptor) bool { return t.UserClaims().Len() > 0 }},
	{"restricted claims", func(_ *access.Request, t *token.Token, _ *sd.Descriptor) bool {
		return t.IsRestricted() && t.RestrictedUserClaims() != t.UserClaims()
	}},
	{"deny-only claim", func(_ *access.Request, t *token.Token, _ *sd.Descriptor) bool {
		for _, set := range []*claims.Set{t.UserClaims(), t.DeviceClaims(), t.LocalAttributes()} {
			for _, a := range set.All() {
				if a.Flags&claims.FlagUseForDenyOnly != 0 {
					return true
				}
			}
		}
		return false
	}},
	{"device groups", func(_ *access.Request, t *token.Token,
		_ *sd.Descriptor) bool {
		return t.DeviceSet().Len() > 0
	}},
}

// Drawn counts what questions had.
type Drawn struct {
	questions, allowed int
	count              map[string]int
}

// Add counts a question by its features, and whether its answer allowed.
func (x *Drawn) Add(r *access.Request, allowed bool) {
	if x.count == nil {
		x.count = map[string]int{}
	}
	x.questions++
	if allowed {
		x.allowed++
	}
	for _, f := range features {
		if f.in(r, r.Subject.Effective(), r.Descriptor) {
			x.count[f.name]++
		}
	}
}

// Lacks lists what a generator drew too rarely: features that fewer than one question in oneIn had, and a verdict of
// fewer than one question in 20. It ignores the features in but.
func (x *Drawn) Lacks(oneIn int, but ...string) (lacks []string) {
	for _, f := range features {
		if x.count[f.name]*oneIn < x.questions && !slices.Contains(but, f.name) {
			lacks = append(lacks, f.name)
		}
	}
	if x.allowed*20 < x.questions {
		lacks = append(lacks, "granted")
	}
	if (x.questions-x.allowed)*20 < x.questions {
		lacks = append(lacks, "denied")
	}
	return lacks
}

// Share returns the fraction of the questions that had a feature, 0 for an unknown name.
func (x *Drawn) Share(name string) float64 { return float64(x.count[name]) / float64(x.questions) }
