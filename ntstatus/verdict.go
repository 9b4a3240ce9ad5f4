package ntstatus

// Verdict holds the status of a decision. The zero value is
// STATUS_ACCESS_DENIED, so a decision that was never made denies. Types
// that can grant access embed it.
//
// It is comparable: equal verdicts have equal statuses.
type Verdict struct{ denial Status } // the status, exclusive-or STATUS_ACCESS_DENIED

// Decided returns the verdict with status s.
func Decided(s Status) Verdict { return Verdict{s ^ AccessDenied} }

// Status returns the status, STATUS_ACCESS_DENIED for the zero value.
func (v Verdict) Status() Status { return v.denial ^ AccessDenied }

// Allowed reports whether the status is STATUS_SUCCESS.
func (v Verdict) Allowed() bool { return v == Decided(Success) }

// Err returns nil if access was granted, else an [*Error]. It returns an error
// also for other statuses of severity success. errors.Is matches a denial with
// fs.ErrPermission.
func (v Verdict) Err() error {
	if v.Allowed() {
		return nil
	}
	return &Error{v.Status()}
}
