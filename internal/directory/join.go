package directory

import (
	"slices"

	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// IsGroup reports whether s is the SID of a group of the directory, or of the gid of one. It is false for users and
// unknown SIDs.
func (d *Directory) IsGroup(s sid.SID) bool {
	_, ok := d.groups.bySID[s]
	return ok
}

// Join returns a copy of a token with a group added, and with the groups that contain it. A SID that the directory does
// not list is added alone. A token that gains Administrators gets an administrator's privileges and integrity level
// (B-8). It fails if a token cannot hold all groups.
func (d *Directory) Join(t *token.Token, group sid.SID) (*token.Token, error) {
	var n node
	d.groups.join(&n, group)
	joined, err := newResolver(&d.groups).groupsOf(&n)
	if err != nil {
		return nil, err
	}
	spec := t.Spec()
	have := func(s sid.SID) bool {
		return slices.ContainsFunc(spec.Groups, func(g token.Group) bool { return g.SID == s })
	}
	if slices.Contains(joined, sid.Administrators) && !have(sid.Administrators) {
		full := newAdministrator(t.User().SID)
		spec.Privileges, spec.EnabledPrivileges = full.Privileges, full.EnabledPrivileges
		spec.DefaultPrivileges = full.DefaultPrivileges
		spec.Integrity, spec.ElevationType = full.Integrity, full.ElevationType
		spec.Groups = slices.DeleteFunc(spec.Groups, func(g token.Group) bool {
			return g.Attributes&winnt.SE_GROUP_INTEGRITY != 0 // the old integrity level
		})
	}
	for _, s := range joined {
		if !have(s) {
			spec.Groups = append(spec.Groups, token.Group{SID: s, Attributes: token.GroupDefault})
		}
	}
	return token.New(spec)
}
