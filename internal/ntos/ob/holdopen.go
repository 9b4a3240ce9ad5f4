package ob

// HoldOpen keeps an object open as a handle does, its name included, for an
// owner that has no table: a token that keeps the directories of its
// AppContainer. The caller holds a reference. End it with DropOpen.
func (h *Header) HoldOpen() { h.addHandle() }

// DropOpen ends such a hold. No lock may be held.
func (h *Header) DropOpen() { h.dropHandle() }
