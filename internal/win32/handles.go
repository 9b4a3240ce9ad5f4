package win32

import (
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// SetHandleInformationIn and SetHandleInformationOut are the parameters of
// SetHandleInformation.
type (
	SetHandleInformationIn struct {
		Object winnt.Handle `param:"hObject"`
		Mask   uint32       `param:"dwMask"`
		Flags  uint32       `param:"dwFlags"`
	}
	SetHandleInformationOut struct{}
)

// Flags of SetHandleInformation.
const (
	handleInherit          = 1
	handleProtectFromClose = 2
)

// SetHandleInformation sets the flags in Mask to their state in Flags and leaves the others.
var _ = function(nt.Meta{Name: "SetHandleInformation", Summary: "changes the flags of a handle that a mask names",
	Conditions: []nt.Condition{{Status: ntstatus.InvalidHandle, Rule: "O-31", When: "hObject is not a valid handle"}}},
	func(t *Thread, in SetHandleInformationIn) (out SetHandleInformationOut, st ntstatus.Status) {
		v, st := t.nt.NtQueryObject(in.Object, nt.ObjectHandleFlagInformation)
		flags, ok := v.(nt.HandleFlagInformation)
		if !ok {
			return out, st
		}
		if in.Mask&handleInherit != 0 {
			flags.Inherit = in.Flags&handleInherit != 0
		}
		if in.Mask&handleProtectFromClose != 0 {
			flags.ProtectFromClose = in.Flags&handleProtectFromClose != 0
		}
		return out, t.nt.NtSetInformationObject(in.Object, flags)
	})
