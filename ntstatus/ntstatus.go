// Package ntstatus holds NTSTATUS codes, their documented names, severity and
// Win32 equivalents.
//
// Every Nt, Zw, Ps and Se routine of refmon returns a [Status]. A Status is not
// an error, because success would then be a non-nil error. [Status.Err] turns a
// failure into an error. errors.Is(err, fs.ErrPermission) is true for every
// denial. Values and names: MS-ERREF 2.3.1; the Win32 column: MS-ERREF 2.2 and
// RtlNtStatusToDosError as documented.
package ntstatus

import (
	"errors"
	"fmt"
	"io/fs"
)

// Status is an NTSTATUS. The zero value is STATUS_SUCCESS. Bits 31–30 are the
// severity: 0 success, 1 informational, 2 warning, 3 error.
type Status uint32

// row is an entry of the table of statuses: a status, its documented name and its Win32 error code.
type row struct {
	status Status
	name   string
	win32  uint32
}

// IsSuccess reports whether the call succeeded (NT_SUCCESS): the severity is 0 (success) or 1 (informational).
func (s Status) IsSuccess() bool { return int32(s) >= 0 }

// IsError reports whether the severity is 3, error (NT_ERROR). A warning is no error.
func (s Status) IsError() bool { return s>>30 == 3 }

// Severity returns 0 for success, 1 informational, 2 warning, 3 error.
func (s Status) Severity() int { return int(s >> 30) }

// String prints the documented name, or NTSTATUS(0x%08X) for others.
func (s Status) String() string {
	if r, ok := byStatus[s]; ok {
		return r.name
	}
	return fmt.Sprintf("NTSTATUS(0x%08X)", uint32(s))
}

// Win32 returns the Win32 error code of the status, as RtlNtStatusToDosError
// does. For a status without one it returns ERROR_MR_MID_NOT_FOUND (317).
func (s Status) Win32() uint32 {
	if r, ok := byStatus[s]; ok {
		return r.win32
	}
	return 317
}

// Parse returns the status with a documented name. It returns false for an
// unknown name.
func Parse(name string) (Status, bool) {
	r, ok := byName[name]
	return r, ok
}

// All yields every known status with its name, in the order of the table.
func All(yield func(Status, string) bool) {
	for _, r := range table {
		if !yield(r.status, r.name) {
			return
		}
	}
}

// Err returns an [*Error] for a status of severity warning or error, and nil
// for any other.
func (s Status) Err() error {
	if s.IsSuccess() {
		return nil
	}
	return &Error{s}
}

// Error is a failed status as an error. errors.Is matches it with
// fs.ErrPermission for a denial, fs.ErrNotExist for a name or path that was not
// found, and fs.ErrExist for a collision.
type Error struct{ Status Status }

// Of returns the NTSTATUS for an error: the status of the first [*Error] that err wraps, Success for nil, and
// otherwise for any other error.
func Of(err error, otherwise Status) Status {
	if err == nil {
		return Success
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Status
	}
	return otherwise
}

// Error returns the name and the code.
func (e *Error) Error() string { return fmt.Sprintf("%s (0x%08X)", e.Status, uint32(e.Status)) }

// Is reports whether target is an *Error with the same status, or the sentinel
// of io/fs for the status.
func (e *Error) Is(target error) bool {
	if t, ok := target.(*Error); ok {
		return t.Status == e.Status
	}
	switch target {
	case fs.ErrPermission:
		switch e.Status {
		case AccessDenied, PrivilegeNotHeld, BadImpersonationLevel, CantOpenAnonymous, InvalidOwner:
			return true
		}
	case fs.ErrNotExist:
		return e.Status == ObjectNameNotFound || e.Status == ObjectPathNotFound
	case fs.ErrExist:
		return e.Status == ObjectNameCollision
	}
	return false
}

var (
	byStatus = map[Status]row{}
	byName   = map[string]Status{}
)

func init() {
	for _, r := range table {
		byStatus[r.status] = r
		byName[r.name] = r.status
	}
}
