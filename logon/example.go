package logon

import (
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// ExamplePassword is the password of the accounts of [Example].
const ExamplePassword Secret = "Password1"

// Example returns the authority of a fictitious computer REFMON, for examples and tests. The accounts Administrator
// (500) and User (1001) have the password [ExamplePassword]; Guest (501) has no password. The zero machine means
// S-1-5-21-1-2-3.
func Example(machine sid.SID) *Memory {
	if machine.IsZero() {
		machine, _ = sid.New(5, 21, 1, 2, 3)
	}
	all := SeInteractiveLogonRight | SeNetworkLogonRight | SeBatchLogonRight | SeServiceLogonRight
	member := func(rid uint32, name string, p Secret, rights Rights, of token.Spec, groups ...sid.SID) Member {
		a := Account{SID: machine.WithRID(rid), Use: winnt.SidTypeUser, Name: name}
		if of.User.SID.IsZero() {
			a.Use = winnt.SidTypeGroup
		}
		return Member{Person{Account: a, Privileges: of.Privileges, Rights: rights, Groups: groups}, p}
	}
	none := machine.WithRID(513)
	user, administrator := token.StandardUser(machine.WithRID(1001)), token.Administrator(machine.WithRID(500))
	m, err := NewMemory(Settings{Machine: machine, Members: []Member{
		member(500, "Administrator", ExamplePassword, all, administrator, none, sid.Administrators, sid.Users),
		member(501, "Guest", "", 0, user, none, sid.Guests),
		member(513, "None", "", 0, token.Spec{}),
		member(1001, "User", ExamplePassword, SeInteractiveLogonRight|SeNetworkLogonRight, user, none, sid.Users),
	}})
	if err != nil {
		panic("logon: example: " + err.Error())
	}
	return m
}
