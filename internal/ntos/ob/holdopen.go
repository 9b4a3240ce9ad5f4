package ob

// HoldOpen keeps an object and its name like a handle does, for an owner without a handle table, such as a token that
// keeps the directories of its AppContainer. The caller must hold a reference, and end the hold with DropOpen.
func (h *Header) HoldOpen() { h.addHandle() }

// DropOpen ends a hold of HoldOpen, and may delete the object. The caller must hold no lock. Call it once for each
// hold.
func (h *Header) DropOpen() { h.dropHandle() }
