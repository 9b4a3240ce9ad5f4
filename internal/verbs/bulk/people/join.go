package people

import (
	"slices"

	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// IsGroup reports whether an account is a group of the directory.
func (d *Directory) IsGroup(s sid.SID) bool {
	if d.roster == nil {
		return false
	}
	_, ok := d.roster.bySID[s]
	return ok
}

// Join returns what a logon gives to the user of a token who was made a member of a
// group: the token with the group and the groups that it is in, listed or not. Who
// comes into Administrators so has their token (B-8).
func (d *Directory) Join(t *token.Token, group sid.SID) (*token.Token, error) {
	joined := []sid.SID{group}
	if r := d.roster; r != nil {
		var a account
		a.addUnlisted(r, group)
		var err error
		if joined, err = r.closure(&a, make([]bool, len(r.groups))); err != nil {
			return nil, err
		}
	}
	spec := t.Spec()
	have := func(s sid.SID) bool {
		return slices.ContainsFunc(spec.Groups, func(g token.Group) bool { return g.SID == s })
	}
	if slices.Contains(joined, sid.Administrators) && !have(sid.Administrators) {
		full := administrator(t.User().SID)
		spec.Privileges, spec.EnabledPrivileges = full.Privileges, full.EnabledPrivileges
		spec.DefaultPrivileges = full.DefaultPrivileges
		spec.Integrity, spec.ElevationType = full.Integrity, full.ElevationType
		spec.Groups = slices.DeleteFunc(spec.Groups, func(g token.Group) bool {
			return g.Attributes&winnt.SE_GROUP_INTEGRITY != 0 // the level that it had
		})
	}
	for _, s := range joined {
		if !have(s) {
			spec.Groups = append(spec.Groups, token.Group{SID: s, Attributes: token.GroupDefault})
		}
	}
	return token.New(spec)
}
