package oracle

import "slices"

// Statuses that answers have.
const (
	Success         = "STATUS_SUCCESS"
	AccessDenied    = "STATUS_ACCESS_DENIED"
	PrivilegeNeeded = "STATUS_PRIVILEGE_NOT_HELD"
)

// ObjectType is a node of an object type list.
type ObjectType struct {
	Level int    `json:"level"`
	GUID  string `json:"guid"`
}

// Rule is a rule of a central access policy. A nil AppliesTo means every object.
type Rule struct {
	AppliesTo *Cond
	SD        *Descriptor
}

// Policy is a central access policy.
type Policy struct {
	ID    string
	Rules []Rule
}

// AccessCheck is the question of an access check.
type AccessCheck struct {
	Token    *Token
	SD       *Descriptor
	Desired  Word
	Mapping  Mapping
	Self     string // "": none
	Types    []ObjectType
	Policies []Policy // nil: none configured

	// Reversed is the rule in [Choices] that is answered the other way, "" for none.
	Reversed string
}

// Choices are the rules that refmon decided where documents are silent, and for which the opposite is as plausible. An
// implementation that decided otherwise agrees with [Access] and [AccessList] if the rule is reversed.
var Choices = []string{"A-33", "A-52", "A-53", "A-80", "A-85", "A-100", "A-103", "A-154", "A-155", "A-173", "A-174"}

// Decision is the answer. Rules are the ids of the rules that mattered, the deciding one first.
type Decision struct {
	Status     string
	Granted    Word
	Privileges []string
	Rules      []string
}

// side selects which SIDs of a token an evaluation of the DACL compares: those of the user, the restricting ones, or
// those of the package.
type side int

const (
	userSide side = iota
	restrictedSide
	packageSide
)

// Rights that every object has, and bits with a meaning of their own.
const (
	maximumAllowed = 0x02000000
	systemSecurity = 0x01000000
	dropped        = maximumAllowed | systemSecurity // no entry grants these
	readControl    = 0x20000
	writeDAC       = 0x40000
	writeOwner     = 0x80000
	deleteRight    = 0x10000
	synchronize    = 0x100000
)

// run is the state of one access check in progress.
type run struct {
	*AccessCheck
	requested  Word // mapped, without MAXIMUM_ALLOWED
	max        bool
	privileged Word // granted by privileges
	owner      Word // granted to the owner
	used       []string
	rules      []string
}

// rule records, once, that a rule of docs/rules influenced the decision.
func (r *run) rule(id string) {
	if !slices.Contains(r.rules, id) {
		r.rules = append(r.rules, id)
	}
}

// substitute returns the SID that an entry with SID s is about: q.Self for PRINCIPAL SELF, if there is one, the owner
// for OWNER RIGHTS, and otherwise s. An empty result matches nothing.
func (q *AccessCheck) substitute(s string) string {
	switch {
	case s == "S-1-5-10" && q.Self != "":
		return q.Self
	case s == "S-1-3-4":
		return q.SD.Owner
	}
	return s
}

// matches reports whether a side has a SID. For an allow entry the user side has no deny-only
// SIDs, and the package side none that the user side has. The zero id matches nothing.
func (r *run) matches(s side, id string, allow bool) bool {
	if id == "" {
		return false
	}
	switch s {
	case restrictedSide:
		return slices.Contains(r.Token.Restricting, id)
	case packageSide:
		t := r.Token
		in := id == t.AppContainer || id == "S-1-15-2-2" || id == "S-1-15-2-1" && !t.LowPrivilege ||
			slices.Contains(t.Capabilities, id)
		return in && (!allow || !t.matches(id, true))
	}
	return r.Token.matches(id, allow)
}

// effect returns what the DACL entry a does for one side: 1 allows, -1 denies, 0 does not apply. Inherit-only entries
// return 0. Two kinds of entries can deny but not allow: those with an object type if the request has no type list,
// and those with an unknown condition.
func (r *run) effect(s side, a *ACE) int {
	effect := 0
	switch a.Type {
	case Allow, AllowObject, AllowCallback, AllowCallbackObj:
		effect = 1
	case Deny, DenyObject, DenyCallback, DenyCallbackObj:
		effect = -1
	}
	// Entries of other types, and those that only children inherit, are skipped.
	if effect == 0 || a.Flags&InheritOnly != 0 {
		r.rule("A-70")
		return 0
	}
	allow := effect > 0
	if !r.matches(s, r.substitute(a.SID), allow) {
		return 0
	}
	if a.SID == "S-1-5-10" || a.SID == "S-1-3-4" {
		r.rule("A-3")
	}
	// Without a list an entry that names a type allows nothing, but still denies.
	if a.Object != "" && len(r.Types) == 0 && (allow || r.Reversed == "A-80") {
		r.rule("A-80")
		return 0
	}
	if a.Cond != nil {
		e := conditions{r.AccessCheck, s, allow}
		r.rule("A-72")
		if t := e.eval(a.Cond); allow && t != yes || !allow && t == no {
			return 0
		}
	}
	return effect
}

// ceiling returns the rights that the object's integrity label leaves to the token, or all bits. The
// first label that is not inherit-only counts. The default is medium integrity with no-write-up. SeRelabelPrivilege
// keeps WRITE_OWNER.
func (r *run) ceiling() Word {
	t := r.Token
	if t.MandatoryPolicy&1 == 0 {
		return ^Word(0)
	}
	level, policy := Word(0x2000), Word(1)
	if r.SD.SACL != nil {
		for _, a := range r.SD.SACL.Entries {
			if a.Type == MandatoryLabel && a.Flags&InheritOnly == 0 {
				level, policy = integrityOf(a.SID), a.Mask&7
				break
			}
		}
	}
	if policy == 0 && r.Reversed == "A-174" {
		policy = 1
	}
	if t.Integrity >= level || policy == 0 || t.AppContainer != "" && level <= 0x2000 {
		return ^Word(0)
	}
	m := r.Mapping
	classes := []Word{m.Write | deleteRight | writeDAC | writeOwner | systemSecurity, m.Read | readControl,
		m.Execute&^m.Read | synchronize}
	left := m.Read | m.Execute | synchronize | readControl
	if policy&1 == 0 {
		left |= m.All | systemSecurity
	}
	var forbidden, permitted Word
	for i, c := range classes {
		if policy>>i&1 != 0 {
			forbidden |= c
		} else {
			permitted |= c
		}
	}
	if r.Reversed == "A-174" {
		permitted = 0
	}
	left &^= forbidden &^ permitted
	if t.held("SeRelabelPrivilege") {
		left |= writeOwner
	}
	return left
}

// before decides what precedes the DACL: SACL access, integrity label, WRITE_OWNER by privilege, and ownership.
// ceiling has the rights that the label leaves. A status other than "" ends the check. A request beyond ceiling ends
// the check, unless it is for the maximum or each is true (one result for each object type).
func (r *run) before(each bool) (ceiling Word, status string) {
	// Without the privilege the whole request fails.
	if r.requested&systemSecurity != 0 {
		r.rule("A-50")
		if !r.Token.held("SeSecurityPrivilege") {
			return 0, PrivilegeNeeded
		}
		r.privileged = systemSecurity
		r.used = append(r.used, "SeSecurityPrivilege")
	}
	ceiling = r.ceiling()
	if ceiling != ^Word(0) {
		r.rule("A-62")
	}
	if !r.max && !each && r.requested&^ceiling != 0 {
		return 0, AccessDenied
	}
	// One of two privileges grants WRITE_OWNER.
	if r.requested&ceiling&writeOwner != 0 {
		for _, name := range []string{"SeTakeOwnershipPrivilege", "SeRelabelPrivilege"} {
			if r.Token.held(name) {
				r.rule("A-51")
				r.privileged |= writeOwner
				r.used = append(r.used, name)
				break
			}
		}
	}
	r.ownership()
	return ceiling, ""
}

// ownership sets r.owner to READ_CONTROL and WRITE_DAC if the token has the owner's SID, and no entry of the DACL is
// for OWNER RIGHTS. A restricted token also needs the owner as a restricting SID.
func (r *run) ownership() {
	t, o := r.Token, r.SD.Owner
	if o == "" || !t.matches(o, true) {
		return
	}
	if r.Reversed != "A-173" && t.restricted() && !slices.Contains(t.Restricting, o) {
		return
	}
	r.rule("A-56")
	if r.SD.DACL != nil {
		for _, a := range r.SD.DACL.Entries {
			if a.SID == "S-1-3-4" && a.Flags&InheritOnly == 0 {
				return
			}
		}
	}
	r.owner = readControl | writeDAC
}

// Access decides an access check with one result. A request for no rights is denied. With MAXIMUM_ALLOWED it grants all
// allowed rights, and denies if there are none or if they do not include the other requested rights. Otherwise it
// grants all requested rights or none. Only a success reports used privileges.
func Access(q *AccessCheck) Decision {
	r := newRun(q)
	end := func(status string, granted Word) Decision {
		r.rule("A-40")
		if status != Success && r.Reversed == "A-52" {
			r.used = nil
		}
		return Decision{status, granted, r.used, r.rules}
	}
	// A request for nothing is denied, because nothing was granted before.
	if r.requested == 0 && !r.max && r.Reversed != "A-33" {
		r.rule("A-33")
		return end(AccessDenied, 0)
	}
	ceiling, status := r.before(false)
	if status != "" {
		return end(status, 0)
	}
	if r.max {
		r.rule("A-41")
		set := r.sets(ceiling)[0]
		if set == 0 || r.requested&^set != 0 {
			return end(AccessDenied, 0)
		}
		return end(Success, set)
	}
	body := r.requested &^ r.privileged
	need := body &^ r.owner
	if !r.covers(r.SD.DACL, need, body) {
		return end(AccessDenied, 0)
	}
	// Each central rule must grant what neither privileges nor ownership did.
	if r.Reversed == "A-103" {
		need = r.requested
	}
	for _, l := range r.centralLists() {
		if !r.covers(l, need, need) {
			return end(AccessDenied, 0)
		}
	}
	return end(Success, r.requested)
}

// newRun prepares the access check q: it maps the requested rights. No stage has run yet.
func newRun(q *AccessCheck) *run {
	desired := q.Mapping.Map(q.Desired)
	return &run{AccessCheck: q, requested: desired &^ maximumAllowed, max: desired&maximumAllowed != 0}
}
