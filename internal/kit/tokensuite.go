package kit

import "github.com/refmon/refmon/internal/kit/oracle"

// DuplicateIn is the input of duplicate. A nil Level means no quality of service.
type DuplicateIn struct {
	Token         *oracle.Token `json:"token"`
	Type          string        `json:"type"`
	Level         *int          `json:"level,omitempty"`
	EffectiveOnly bool          `json:"effectiveOnly,omitempty"`
}

// GroupsIn is the input of adjust_groups.
type GroupsIn struct {
	Token   *oracle.Token  `json:"token"`
	Reset   bool           `json:"reset,omitempty"`
	Changes []oracle.Group `json:"changes,omitempty"`
}

// PrivilegesIn is the input of adjust_privileges.
type PrivilegesIn struct {
	Token      *oracle.Token      `json:"token"`
	DisableAll bool               `json:"disableAll,omitempty"`
	Changes    []oracle.Privilege `json:"changes,omitempty"`
}

// varied returns five tokens with groups and privileges in several states: plain, mixed, an administrator's, a
// restricted and a write-restricted one.
func varied() []*oracle.Token {
	many := plainToken(oracle.Group{SID: groupG, Attributes: 6}, oracle.Group{SID: groupH, Attributes: denying},
		oracle.Group{SID: users, Attributes: 4}, oracle.Group{SID: groupX, Attributes: 2},
		oracle.Group{SID: "S-1-5-5-7-9", Attributes: 0xC0000007})
	many.Privileges = []oracle.Privilege{{Name: "SeChangeNotifyPrivilege", Attributes: 3}, {Name: "SeBackupPrivilege"},
		{Name: "SeShutdownPrivilege", Attributes: 1}, {Name: "SeDebugPrivilege", Attributes: 2}}
	admin := plainToken(oracle.Group{SID: admins, Attributes: 0xF}, oracle.Group{SID: users, Attributes: on})
	admin.Integrity = 0x3000
	admin.Privileges = []oracle.Privilege{{Name: "SeDebugPrivilege"}, {Name: "SeTimeZonePrivilege", Attributes: 2}}
	limit := *many
	limit.Restricting = []string{everyone, groupG}
	writing := limit
	writing.WriteRestricted = true
	return []*oracle.Token{plainToken(), many, admin, &limit, &writing}
}

// changed adds a question to the suite about an operation on a token. The right answer is status with the new token
// n. op and in are the operation and its input.
func (b *builder) changed(op string, in any, n *oracle.Token, status string, rules ...string) *Question {
	return b.add(op, in, &Out{Status: status, Token: n}, rules...)
}

// makeToken builds the suite "token": duplicated, filtered and adjusted tokens.
func makeToken(b *builder) {
	b.duplicates()
	b.filters()
	b.adjustments()
}

// duplicates adds each duplication of each sample token: both types, each level, with and without
// EffectiveOnly.
func (b *builder) duplicates() {
	for _, t := range varied() {
		for level := -1; level < 4; level++ { // -1: a primary token
			from := *t
			from.Type, from.Level = "impersonation", level
			if level < 0 {
				from.Type, from.Level = "primary", 0
			}
			for _, typ := range []string{"primary", "impersonation"} {
				for want := -1; want < 4; want++ { // -1: no quality of service
					for _, only := range []bool{false, true} {
						n, status, rule := oracle.Duplicate(&from, typ, want, only, false)
						in := DuplicateIn{Token: &from, Type: typ, EffectiveOnly: only}
						if want >= 0 {
							in.Level = ref(want)
						}
						q := b.changed("duplicate", in, n, status, rule)
						if o, _, _ := oracle.Duplicate(&from, typ, want, only, true); n != nil && o.Level != n.Level {
							q.Either = []*Out{{Status: status, Token: o}} // both answers are right (B-41)
						}
					}
				}
			}
		}
	}
}

// filters adds questions about NtFilterToken, for a quarter of the combinations of token, flags and lists.
func (b *builder) filters() {
	for _, t := range varied() {
		for flags := range oracle.Word(18) {
			for i, disable := range [][]string{nil, {user}, {groupG}, {groupH, everyone}, {stranger}, {admins},
				{"S-1-5-5-7-9"}} {
				for j, restrict := range [][]string{nil, {everyone}, {user}, {groupG, limited}} {
					for k, del := range [][]string{nil, {"SeBackupPrivilege"}, {"SeTcbPrivilege"},
						{"SeChangeNotifyPrivilege", "SeDebugPrivilege"}} {
						if (i+j+k+int(flags))%4 != 0 { // a quarter of the table
							continue
						}
						q := &oracle.Filtering{Token: t, Flags: flags, Disable: disable, Delete: del,
							Restrict: restrict}
						n, status := oracle.Filter(q)
						rules := []string{"T-64"}
						for _, r := range []struct {
							on bool
							id string
						}{{flags > 15, "T-60"}, {flags&4 != 0, "T-65"}, {restrict != nil, "T-63"}, {disable != nil,
							"T-61"},
							{del != nil || flags&1 != 0, "T-62"}} {
							if r.on {
								rules = append([]string{r.id}, rules...)
							}
						}
						b.changed("filter", q, n, status, rules...)
					}
				}
			}
		}
	}
}

// adjustments adds changes of one and of two groups or privileges, a reset of the groups, and the disabling of
// all privileges.
func (b *builder) adjustments() {
	var groups []oracle.Group
	for _, s := range []string{user, everyone, groupG, groupH, users, groupX, stranger, "S-1-5-5-7-9", admins} {
		groups = append(groups, oracle.Group{SID: s}, oracle.Group{SID: s, Attributes: 4})
	}
	var privileges []oracle.Privilege
	for _, name := range []string{"SeChangeNotifyPrivilege", "SeBackupPrivilege", "SeShutdownPrivilege",
		"SeDebugPrivilege",
		"SeTcbPrivilege"} {
		for _, a := range []oracle.Word{0, 2, 4} {
			privileges = append(privileges, oracle.Privilege{Name: name, Attributes: a})
		}
	}
	for _, t := range varied()[:4] {
		n, status := oracle.AdjustGroups(t, true, nil)
		b.changed("adjust_groups", GroupsIn{Token: t, Reset: true}, n, status, "T-75")
		n, status = oracle.AdjustPrivileges(t, true, nil)
		b.changed("adjust_privileges", PrivilegesIn{Token: t, DisableAll: true}, n, status, "T-71")
		for _, x := range groups {
			for i, y := range groups {
				changes := []oracle.Group{x, y}
				if i == 0 {
					changes = changes[:1]
				}
				n, status := oracle.AdjustGroups(t, false, changes)
				b.changed("adjust_groups", GroupsIn{Token: t, Changes: changes}, n, status, "T-75")
			}
		}
		for _, x := range privileges {
			for i, y := range privileges {
				changes := []oracle.Privilege{x, y}
				if i > 0 && x.Name == y.Name && x.Attributes == 4 {
					continue // documents do not say whether a removed privilege is still held
				}
				if i == 0 {
					changes = changes[:1]
				}
				n, status := oracle.AdjustPrivileges(t, false, changes)
				b.changed("adjust_privileges", PrivilegesIn{Token: t, Changes: changes}, n, status, "T-71")
			}
		}
	}
}
