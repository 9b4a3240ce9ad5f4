package npfs

import (
	"slices"

	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/internal/quota"
)

// maxMessages is the number of messages that a queue accepts before further ones wait. It
// includes messages without bytes, which need no quota (I-141).
const maxMessages = 1 << 16

// queue holds the messages that one end wrote and the other has not read. Messages that fit the quota come first;
// behind them are messages of writes that wait for room. The instance's mu guards its fields.
//
// Only enter adds bytes to a queue, and only leave removes them.
type queue struct {
	messages []*message
	bytes    int // of all messages
	quota    int // immutable: how many bytes fit
	fits     int // how many messages fit
	fitting  int // bytes of those
}

// message holds the unread bytes of one write. Once it is in a queue, the instance's mu guards its fields.
type message struct {
	data    []byte
	length  int               // immutable: bytes that were written
	fits    bool              // its write has ended, or never had to wait
	context *ps.ClientContext // of the client when it wrote it (dynamic tracking)
	failed  ps.Outcome
	paid    quota.Receipt // the writer's charge, until all of it was read or is dropped
}

// messageSize is the number of bytes that a message takes in addition to its data.
const messageSize = 512

// taken returns how many bytes of the message were read.
func (m *message) taken() int { return m.length - len(m.data) }

// room returns the maximal size of a new message. It returns false if no message fits,
// because one already waits for room or the queue has too many.
func (q *queue) room() (int, bool) {
	return q.quota - q.fitting, q.fits == len(q.messages) && q.fits < maxMessages
}

// enter appends a message. If the message does not fit the quota, its write waits for room.
func (q *queue) enter(m *message) {
	q.messages = append(q.messages, m)
	q.bytes += len(m.data)
	q.settle()
}

// leave removes the first n bytes of message i after they were read. With gone it removes the rest too, and returns the
// charge. Messages behind it may then fit the quota. n must be at most the length of the message.
func (q *queue) leave(i, n int, gone bool) {
	m := q.messages[i]
	m.data = m.data[n:]
	out := n
	if gone {
		out += len(m.data)
	}
	q.bytes -= out
	if m.fits {
		q.fitting -= out
	}
	if gone {
		m.paid.Return()
		if m.fits {
			q.fits--
		}
		if i == 0 {
			q.messages[0] = nil // the backing array must not keep the message in memory
			q.messages = q.messages[1:]
		} else {
			q.messages = slices.Delete(q.messages, i, i+1)
		}
	}
	q.settle()
}

// settle completes waiting writes: it marks their messages as fitting the quota, in order, until the next one exceeds
// it or maxMessages fit. It never unmarks a message.
func (q *queue) settle() {
	for q.fits < min(len(q.messages), maxMessages) {
		m := q.messages[q.fits]
		if q.fitting+len(m.data) > q.quota {
			return
		}
		m.fits = true
		q.fits++
		q.fitting += len(m.data)
	}
}

// drop removes the message of a cancelled write and returns its client context, if any. It does nothing for nil, and
// for a message that fits, whose write has completed.
func (q *queue) drop(m *message) (dropped []*ps.ClientContext) {
	if m == nil || m.fits {
		return nil
	}
	if i := slices.Index(q.messages, m); i >= 0 {
		q.leave(i, 0, true)
		if m.context != nil {
			dropped = append(dropped, m.context)
			m.context = nil
		}
	}
	return dropped
}

// clear drops all messages of a connection that ended and returns their client contexts. It does not complete the
// writes that wait.
func (q *queue) clear() (dropped []*ps.ClientContext) {
	// The last message goes first. In the other order, removing one would make room for the next.
	for i := len(q.messages) - 1; i >= 0; i-- {
		if m := q.messages[i]; m.context != nil {
			dropped = append(dropped, m.context)
			m.context = nil
		}
		q.leave(i, 0, true)
	}
	return dropped
}
