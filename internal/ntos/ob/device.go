package ob

import "github.com/refmon/refmon/ntstatus"

// opened replaces the device in p by a new file of that device, for which the caller pays (T-140). An object that is
// no device stays in p. A nil typ accepts any type. After an error p is unchanged. Errors are:
//   - another type, or a path below an object that is no device: STATUS_OBJECT_TYPE_MISMATCH
//   - a path below a device, with another type than file: STATUS_OBJECT_PATH_NOT_FOUND
//   - a failed [Type].Opens or charge: its status
func (p *Place) opened(c *Caller, typ *Type) ntstatus.Status {
	h := p.Object.Head()
	switch device := h.typ.Opens != nil; {
	case device && typ != nil && typ != h.typ.OpensAs && p.Rest != "":
		// Below a device there are only files (T-140).
		return c.Fail("O-23", ntstatus.ObjectPathNotFound)
	case device && (typ == nil || typ == h.typ.OpensAs):
		file, st := h.typ.Opens(p.Object, p.Rest)
		if st != ntstatus.Success {
			return c.Fail("T-140", st)
		}
		if st := file.Head().Pay(c.payer(), 0); st != ntstatus.Success {
			file.Head().Deref(TagCall)
			// Each open of a device makes a file, which the opener pays for.
			return c.Fail("Q-2", st)
		}
		h.Deref(TagCall)
		p.Object, p.Rest, p.link = file, "", nil
		return ntstatus.Success
	case p.Rest != "" || typ != nil && h.typ != typ:
		// The type of the object is tested before the access (O-22).
		return c.Fail("O-23", ntstatus.ObjectTypeMismatch)
	}
	return ntstatus.Success
}

// SetPath sets the full name under which an object without a directory entry was opened, such as a device's name and
// the rest. Call it before the object is shared.
func (h *Header) SetPath(path string) { h.path = path }
