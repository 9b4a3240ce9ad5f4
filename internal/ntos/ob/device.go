package ob

import "github.com/refmon/refmon/ntstatus"

// opened replaces a device that was found by the file that an open of it makes
// (T-140); other objects are opened themselves. typ nil accepts any type.
func (p *Place) opened(c *Caller, typ *Type) ntstatus.Status {
	h := p.Object.Head()
	switch device := h.typ.Opens != nil; {
	case device && typ != nil && typ != h.typ.OpensAs && p.Rest != "":
		// What has a path below a device is a file: nothing else is there (T-140).
		return c.Fail("O-23", ntstatus.ObjectPathNotFound)
	case device && (typ == nil || typ == h.typ.OpensAs):
		file, st := h.typ.Opens(p.Object, p.Rest)
		if st != ntstatus.Success {
			return c.Fail("T-140", st)
		}
		h.Deref(TagCall)
		p.Object, p.Rest, p.link = file, "", nil
		return ntstatus.Success
	case p.Rest != "" || typ != nil && h.typ != typ:
		// The type of what is found is looked at before access (O-22).
		return c.Fail("O-23", ntstatus.ObjectTypeMismatch)
	}
	return ntstatus.Success
}

// SetPath gives an object without a name of its own the full name under which it
// was opened, such as that of a device and what follows. Call it before the object
// is shared.
func (h *Header) SetPath(path string) { h.path = path }
