package main

import "github.com/refmon/refmon/server/lsa/admin"

type accountGroupCmd struct {
	List   groupListCmd   `cmd:"" help:"List the groups and their members."`
	Add    groupAddCmd    `cmd:"" help:"Create a local group."`
	Delete groupDeleteCmd `cmd:"" help:"Remove a local group."`
	Join   groupJoinCmd   `cmd:"" help:"Add a user or group to a group."`
	Leave  groupLeaveCmd  `cmd:"" help:"Remove a user or group from a group."`
}

type groupListCmd struct{}

// Run prints a table of the groups and their members, sorted by SID.
func (groupListCmd) Run(std *streams, all *accountCmd) error { return all.print(std, admin.ListGroups) }

type groupAddCmd struct {
	Name string  `arg:"" help:"The name of the new group."`
	GID  *uint32 `name:"gid" help:"The gid of the same group on the host." placeholder:"N"`
}

// Run adds a group without members, with a gid if one is given. A name or gid in use is an error.
func (c groupAddCmd) Run(all *accountCmd) error {
	return all.change(admin.Request{Do: admin.AddGroup, Name: c.Name, UID: c.GID})
}

type groupDeleteCmd struct {
	Name string `arg:"" help:"The group."`
}

// Run removes a group, its memberships and its rights. An unknown group is an error.
func (c groupDeleteCmd) Run(all *accountCmd) error {
	return all.change(admin.Request{Do: admin.DeleteGroup, Name: c.Name})
}

// member has the arguments of commands about memberships: a group and one of its members, each by name or SID.
type member struct {
	Group  string `arg:"" help:"The group: a name or a SID."`
	Member string `arg:"" help:"The user or group: a name of the store or the host, or a SID."`
}

type groupJoinCmd struct{ member }

// Run adds a member, an account or a group, to a group. An unknown name is an error.
func (c groupJoinCmd) Run(all *accountCmd) error {
	return all.change(admin.Request{Do: admin.AddMember, Name: c.Group, Member: c.Member})
}

type groupLeaveCmd struct{ member }

// Run removes a member from a group. An unknown name is an error.
func (c groupLeaveCmd) Run(all *accountCmd) error {
	return all.change(admin.Request{Do: admin.RemoveMember, Name: c.Group, Member: c.Member})
}

type accountRightCmd struct {
	List   rightListCmd   `cmd:"" help:"List privileges and logon rights."`
	Grant  rightGrantCmd  `cmd:"" help:"Give a user or group privileges or logon rights."`
	Revoke rightRevokeCmd `cmd:"" help:"Remove privileges or logon rights from a user or group."`
}

type rightListCmd struct{}

// Run prints a table of the privileges and logon rights of each account and group that has any.
func (rightListCmd) Run(std *streams, all *accountCmd) error { return all.print(std, admin.ListRights) }

// rights has the arguments of commands that grant or revoke rights: a user or group, and names of rights.
type rights struct {
	Who    string   `arg:"" help:"The user or group: a name or a SID."`
	Rights []string `arg:"" help:"Privileges or logon rights, such as SeImpersonatePrivilege or SeBatchLogonRight."`
}

type rightGrantCmd struct{ rights }

// Run grants privileges and logon rights to an account or group. An unknown right is an error, and then none is
// granted.
func (c rightGrantCmd) Run(all *accountCmd) error {
	return all.change(admin.Request{Do: admin.Grant, Name: c.Who, Rights: c.Rights})
}

type rightRevokeCmd struct{ rights }

// Run revokes privileges and logon rights of an account or group, for later logons. An unknown right is an error.
func (c rightRevokeCmd) Run(all *accountCmd) error {
	return all.change(admin.Request{Do: admin.Revoke, Name: c.Who, Rights: c.Rights})
}
