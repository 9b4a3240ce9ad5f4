package model

import (
	"fmt"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Result holds what a call gave, in the form both sides produce. Fields that a
// call does not have keep their zero value.
type Result struct {
	Status  ntstatus.Status
	Handle  winnt.Handle     // new handle
	Granted winnt.AccessMask // rights of the new handle, or of an access check
	Token   int              // model id of the token that a handle or reference names
	Verdict ntstatus.Status  // AccessStatus
	Number  uint64           // a value: privileges changed, a level, a count
	Flag    bool
	Out     string // other outputs, printed
}

// printed prints a list. A nil list prints like an empty one.
func printed[T any](list []T) string {
	if len(list) == 0 {
		return ""
	}
	return fmt.Sprintf("%+v", list)
}

func failed(st ntstatus.Status) Result { return Result{Status: st} }
