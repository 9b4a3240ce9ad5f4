package oracle

import "slices"

// Statuses of operations on tokens.
const (
	NotAllAssigned     = "STATUS_NOT_ALL_ASSIGNED"
	BadLevel           = "STATUS_BAD_IMPERSONATION_LEVEL"
	InvalidParameter   = "STATUS_INVALID_PARAMETER"
	CantDisable        = "STATUS_CANT_DISABLE_MANDATORY"
	CantEnableDenyOnly = "STATUS_CANT_ENABLE_DENY_ONLY"
)

// Duplicate duplicates a token (T-41 to T-49). level -1 means no quality of service. With observed it does what Windows
// was observed to do where that differs from the documents (T-43). rule is the rule that decided, also on success.
// After a refusal n is nil. A level above that of an impersonation token, and a primary token from one below
// impersonation, are BadLevel. A primary token has level 0.
func Duplicate(t *Token, typ string, level int, effectiveOnly, observed bool) (n *Token, status, rule string) {
	imp := t.Type == "impersonation"
	switch {
	case imp && level > t.Level:
		return nil, BadLevel, "T-41"
	case imp && typ == "primary" && t.Level < 2:
		return nil, BadLevel, "T-42"
	}
	n, rule = t.clone(), "T-49"
	n.Type, n.Level = typ, level
	if level < 0 {
		rule = "T-43"
		switch {
		case imp:
			n.Level = t.Level
		case observed:
			n.Level = 0
		default:
			n.Level = 2
		}
	}
	if typ == "primary" {
		n.Level = 0
	}
	if effectiveOnly {
		rule = "T-48"
		n.Groups = slices.DeleteFunc(n.Groups, func(g Group) bool { return g.Attributes&(enabled|denyOnly) == 0 })
		n.Privileges = slices.DeleteFunc(n.Privileges, func(p Privilege) bool { return p.Attributes&2 == 0 })
	}
	return n, Success, rule
}

// Filtering is the question of a filtered token.
type Filtering struct {
	Token    *Token   `json:"token"`
	Flags    Word     `json:"flags"`
	Disable  []string `json:"disable,omitempty"`
	Delete   []string `json:"delete,omitempty"`
	Restrict []string `json:"restrict,omitempty"`
}

// limited are the privileges that a limited token keeps (T-65).
var limited = []string{"SeShutdownPrivilege", "SeChangeNotifyPrivilege", "SeUndockPrivilege",
	"SeIncreaseWorkingSetPrivilege", "SeTimeZonePrivilege"}

// Filter returns a filtered copy of a token (T-60 to T-68). For unknown flags it returns nil and
// STATUS_INVALID_PARAMETER. The token q.Token is unchanged. Flag 1 removes all privileges but SeChangeNotifyPrivilege.
// Flag 4 lowers the integrity to medium at most. Restricting SIDs replace those of the token, or are intersected with
// them.
func Filter(q *Filtering) (n *Token, status string) {
	if q.Flags > 15 {
		return nil, InvalidParameter
	}
	t := q.Token
	n = t.clone()
	lua := q.Flags&4 != 0
	gone := func(s string) bool { return slices.Contains(q.Disable, s) || lua && s == "S-1-5-32-544" }
	if gone(n.User) {
		n.UserAttributes |= denyOnly
	}
	for i, g := range n.Groups {
		// A disabled group counts for denials only (T-61).
		if gone(g.SID) {
			n.Groups[i].Attributes = g.Attributes&^(enabled|byDefault) | denyOnly
		}
	}
	// One flag removes all privileges but one, and ignores the list (T-62).
	n.Privileges = slices.DeleteFunc(n.Privileges, func(p Privilege) bool {
		out := slices.Contains(q.Delete, p.Name)
		if q.Flags&1 != 0 {
			out = p.Name != "SeChangeNotifyPrivilege"
		}
		return out || lua && !slices.Contains(limited, p.Name)
	})
	if lua {
		n.Integrity = min(n.Integrity, 0x2000)
	}
	// A second restriction keeps what both lists have, and never loosens the first (T-63, T-68).
	if len(q.Restrict) > 0 {
		n.Restricting = []string{}
		for _, s := range q.Restrict {
			if !t.restricted() || slices.Contains(t.Restricting, s) {
				n.Restricting = append(n.Restricting, s)
			}
		}
		n.WriteRestricted = q.Flags&8 != 0 && (!t.restricted() || t.WriteRestricted)
	}
	return n, Success
}

// AdjustGroups returns a copy of t with the groups in changes enabled or disabled (T-75). If reset is true, it ignores
// changes and gives all groups their default state. The status is STATUS_NOT_ALL_ASSIGNED if t lacks a group. With an
// error n is nil. Disabling a mandatory group is STATUS_CANT_DISABLE_MANDATORY, enabling a deny-only one
// STATUS_CANT_ENABLE_DENY_ONLY. Groups that are fixed keep their state at a reset.
func AdjustGroups(t *Token, reset bool, changes []Group) (n *Token, status string) {
	n, status = t.clone(), Success
	for i, g := range n.Groups {
		if fixed := g.Attributes&(mandatory|denyOnly|logonID) != 0; reset && !fixed {
			n.Groups[i].Attributes = g.Attributes&^enabled | g.Attributes&byDefault<<1
		}
	}
	if reset {
		return n, Success
	}
	for _, c := range changes {
		on := c.Attributes&enabled != 0
		at, old := slices.IndexFunc(n.Groups, func(g Group) bool { return g.SID == c.SID }), Group{}
		switch {
		case at >= 0:
			old = n.Groups[at]
		case c.SID == t.User:
			old = Group{t.User, t.UserAttributes | mandatory}
		default:
			status = NotAllAssigned
			continue
		}
		switch {
		case !on && old.Attributes&(mandatory|logonID) != 0:
			return nil, CantDisable
		case on && old.Attributes&denyOnly != 0:
			return nil, CantEnableDenyOnly
		case at >= 0 && old.Attributes&denyOnly == 0:
			n.Groups[at].Attributes = old.Attributes&^enabled | c.Attributes&enabled
		}
	}
	return n, status
}

// AdjustPrivileges returns a copy of t with the privileges in changes enabled, disabled or removed (T-71, T-72). If
// disableAll is true, it ignores changes and disables all. The status is STATUS_NOT_ALL_ASSIGNED if t lacks a
// privilege. No question removes a privilege and then changes it, because the documents do not define that. t stays
// unchanged.
func AdjustPrivileges(t *Token, disableAll bool, changes []Privilege) (n *Token, status string) {
	n, status = t.clone(), Success
	if disableAll {
		for i := range n.Privileges {
			n.Privileges[i].Attributes &^= 2
		}
		return n, Success
	}
	for _, c := range changes {
		at := slices.IndexFunc(n.Privileges, func(p Privilege) bool { return p.Name == c.Name })
		switch {
		case at < 0:
			status = NotAllAssigned
		case c.Attributes&4 != 0:
			n.Privileges = slices.Delete(n.Privileges, at, at+1)
		default:
			n.Privileges[at].Attributes = n.Privileges[at].Attributes&^2 | c.Attributes&2
		}
	}
	return n, status
}

// elevated reports whether a token is elevated, for the last row of I-42.
func (t *Token) elevated() bool {
	return t.Elevation == "full" || t.Elevation == "default" && t.Integrity >= 0x3000
}

// Impersonate returns the level at which a thread of process acts after PsImpersonateClient (I-41 to I-44). With
// observed it does what Windows was observed to do where that differs from the documents (I-42). Where the rule allows
// no more, the level is 1 (identification), with success. A level outside 0 to 3 is STATUS_INVALID_PARAMETER.
func Impersonate(process, client *Token, level int, observed bool) (status string, now int, rule string) {
	if level > 3 || level < 0 {
		return InvalidParameter, 0, "I-41"
	}
	if client.Type == "impersonation" {
		level = min(level, client.Level)
	}
	may, rule := mayImpersonate(process, client, level, observed)
	if !may {
		return Success, 1, rule
	}
	return Success, level, rule
}

// sameLimits reports whether the restricting SIDs of p and c let p impersonate c (I-42): neither token may have any. If
// observed is true, both may have the same ones.
func sameLimits(p, c *Token, observed bool) bool {
	if observed && p.restricted() && c.restricted() {
		return slices.Equal(slices.Sorted(slices.Values(p.Restricting)), slices.Sorted(slices.Values(c.Restricting)))
	}
	return !p.restricted() && !c.restricted()
}

// mayImpersonate reports whether p may impersonate c at a level, by the table of I-42, and returns the rule. The first
// row that applies decides. A level below Impersonation allows, and so does SeImpersonatePrivilege. rule is always
// "I-42".
func mayImpersonate(p, c *Token, level int, observed bool) (may bool, rule string) {
	rule = "I-42"
	switch {
	case level < 2:
		return true, rule
	case p.held("SeImpersonatePrivilege"):
		return true, rule
	case c.AuthenticationID == 0x3E6:
		return false, rule
	case c.OriginatingLogon != 0 && c.OriginatingLogon == p.AuthenticationID && c.Integrity <= p.Integrity:
		return true, rule
	case c.User != p.User, !sameLimits(p, c, observed), c.Integrity > p.Integrity:
		return false, rule
	case c.elevated() && !p.elevated(), p.AppContainer != "" && c.AppContainer != p.AppContainer:
		return false, rule
	}
	return true, rule
}
