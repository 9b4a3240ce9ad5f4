package ob

// HoldOpen keeps an object and its name like a handle does, for an owner without a handle table, such as a token that
// keeps the directories of its AppContainer. The caller must hold a reference, and end the hold with DropOpen.
func (h *Header) HoldOpen() { h.addHandle() }

// DropOpen ends a hold of HoldOpen. The caller must hold no lock.
func (h *Header) DropOpen() { h.dropHandle() }
