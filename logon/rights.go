package logon

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Rights is a set of logon rights ("Account Rights Constants"). The zero value
// permits no logon.
type Rights uint16

// The logon rights. Each has a deny form, which takes precedence.
const (
	SeInteractiveLogonRight Rights = 1 << iota
	SeNetworkLogonRight
	SeBatchLogonRight
	SeServiceLogonRight
	SeRemoteInteractiveLogonRight
	SeDenyInteractiveLogonRight
	SeDenyNetworkLogonRight
	SeDenyBatchLogonRight
	SeDenyServiceLogonRight
	SeDenyRemoteInteractiveLogonRight
)

var rightNames = [...]string{"SeInteractiveLogonRight", "SeNetworkLogonRight", "SeBatchLogonRight",
	"SeServiceLogonRight", "SeRemoteInteractiveLogonRight", "SeDenyInteractiveLogonRight", "SeDenyNetworkLogonRight",
	"SeDenyBatchLogonRight", "SeDenyServiceLogonRight", "SeDenyRemoteInteractiveLogonRight"}

// ParseRight returns the logon right with a name, or 0 for an unknown name.
func ParseRight(name string) Rights {
	for i, n := range rightNames {
		if n == name {
			return 1 << i
		}
	}
	return 0
}

// Names returns the names of the rights in the set, nil for the empty set.
func (r Rights) Names() []string {
	var out []string
	for i, n := range rightNames {
		if r&(1<<i) != 0 {
			out = append(out, n)
		}
	}
	return out
}

// permit checks that an account with these logon rights may log on with type t. It returns STATUS_SUCCESS,
// STATUS_LOGON_TYPE_NOT_GRANTED, or STATUS_INVALID_LOGON_TYPE. A deny right takes precedence. Other types than
// interactive, unlock, network, batch, service and remote interactive are invalid.
func (r Rights) permit(t winnt.LogonType) ntstatus.Status {
	var need Rights
	switch t {
	case winnt.LOGON32_LOGON_INTERACTIVE, winnt.LOGON32_LOGON_UNLOCK:
		need = SeInteractiveLogonRight
	case winnt.LOGON32_LOGON_NETWORK, winnt.LOGON32_LOGON_NETWORK_CLEARTEXT:
		need = SeNetworkLogonRight
	case winnt.LOGON32_LOGON_BATCH:
		need = SeBatchLogonRight
	case winnt.LOGON32_LOGON_SERVICE:
		need = SeServiceLogonRight
	case winnt.LOGON32_LOGON_REMOTE_INTERACTIVE:
		need = SeRemoteInteractiveLogonRight
	default:
		// A person cannot log on with another type (L-3).
		return ntstatus.InvalidLogonType
	}
	if r&need == 0 || r&(need<<5) != 0 {
		// A logon needs the right for its type, and must not have the deny form (L-2).
		return ntstatus.LogonTypeNotGranted
	}
	return ntstatus.Success
}
