package accessquery

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// AuditReasons returns why an open was granted or refused, in the form of its audit record: one reason for each
// requested, implied or granted right (F-80). d is the decision about the open. It returns nil for a nil argument.
func AuditReasons(r *fileaccess.Request, f *fileaccess.Facts, d *fileaccess.Decision) (out []audit.Reason) {
	if r == nil || f == nil || d == nil {
		return nil
	}
	if d.Allowed() && f.Object.Descriptor != nil {
		// One check explains an open that the object's descriptor grants alone, as most do.
		q := access.Request{Descriptor: f.Object.Descriptor, Subject: r.Subject, Desired: d.Audit.Desired,
			Type: winnt.FileObject}
		if dec, x, err := access.Explain(&q); err == nil && dec.Granted&d.Audit.Granted == d.Audit.Granted {
			return audit.Reasons(&q, x)
		}
	}
	_, x := fileaccess.Explain(r, f)
	for _, b := range x.Reasons {
		if b.Reason.Kind == fileaccess.FromAccess {
			out = append(out, reasonOf(r, f.Object.Descriptor, b.Bit, b.Granted, b.Reason.Access))
			continue
		}
		if b.Reason.Kind == fileaccess.ParentDeny && f.Object.Exists {
			// The directory adds nothing, so the reason is that of the object's own descriptor (F-80).
			out = append(out, refusedBy(r, f.Object.Descriptor, b.Bit))
			continue
		}
		one := audit.Reason{Bits: b.Bit, Code: b.Reason.Message()}
		switch b.Reason.Kind {
		case fileaccess.Intent:
			one.Name = b.Reason.Privilege.String()
		case fileaccess.ParentAllow:
			// The entry that granted the right is the directory's (F-80).
			if f.Parent != nil {
				one.Entry = reasonOf(r, f.Parent.Descriptor, b.Reason.Right, true, b.Reason.Access).Entry
			}
		}
		out = append(out, one)
	}
	return out
}

// refusedBy returns the audit reason why descriptor d refuses the right bit. For a nil d, and one that cannot be
// evaluated, the reason is that the parent directory refuses.
func refusedBy(r *fileaccess.Request, d *sd.Descriptor, bit winnt.AccessMask) audit.Reason {
	q := access.Request{Descriptor: d, Subject: r.Subject, Desired: bit, Type: winnt.FileObject}
	if d != nil {
		if _, x, err := access.Explain(&q); err == nil && len(x.Reasons) == 1 {
			return audit.Reasons(&q, x)[0]
		}
	}
	return audit.Reason{Bits: bit, Code: fileaccess.Reason{Kind: fileaccess.ParentDeny,
		Right: winnt.FILE_DELETE_CHILD}.Message()}
}

// reasonOf converts a reason of the access check, for one right of a descriptor, to the form of an audit record.
func reasonOf(r *fileaccess.Request, d *sd.Descriptor, bit winnt.AccessMask, granted bool,
	why access.Reason) audit.Reason {
	q := access.Request{Descriptor: d, Subject: r.Subject, Desired: bit, Type: winnt.FileObject}
	return audit.ReasonOf(&q, &access.BitReason{Bit: bit, Granted: granted, Reason: why})
}
