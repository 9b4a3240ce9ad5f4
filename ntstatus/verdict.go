package ntstatus

// A Verdict holds the status of a decision. The zero value is
// STATUS_ACCESS_DENIED, so that a decision that was never made denies.
// Types that can say yes embed it.
//
// It is comparable: equal verdicts have equal statuses.
type Verdict struct{ denial Status } // the status, exclusive-or STATUS_ACCESS_DENIED

// Decided returns the verdict with a status.
func Decided(s Status) Verdict { return Verdict{s ^ AccessDenied} }

// Status returns the status, STATUS_ACCESS_DENIED for the zero value.
func (v Verdict) Status() Status { return v.denial ^ AccessDenied }

// Allowed reports STATUS_SUCCESS.
func (v Verdict) Allowed() bool { return v == Decided(Success) }

// Err returns nil if access was granted, else an [*Error], also for other
// statuses of severity success: errors.Is(err, fs.ErrPermission) holds for the
// denials.
func (v Verdict) Err() error {
	if v.Allowed() {
		return nil
	}
	return &Error{v.Status()}
}
