package wire

import "github.com/refmon/refmon/ntstatus"

// Administer is the kind of a frame that asks the server about its accounts: no
// service of a thread, so that no trace of services has it. Its body and that of its
// answer are the server's own.
const Administer Kind = 64

// Administrator may be implemented by a Process whose server has accounts. It
// decides by the process's token who may ask what.
type Administrator interface {
	// Administer answers a request; it may take its time.
	Administer(request []byte) ([]byte, ntstatus.Status)
}

// administer answers a question about accounts on a goroutine of its own, counted
// like a call, so that it holds up no thread (W-3).
func (s *Server) administer(f *Frame) error {
	a, ok := s.process.(Administrator)
	if !ok {
		return s.answer(f, AnswerHead{Status: ntstatus.NotSupported}, nil)
	}
	admitted, err := s.admit(f)
	if err != nil {
		return err
	}
	if !admitted {
		return s.answer(f, AnswerHead{Status: ntstatus.InsufficientResources}, nil)
	}
	s.running.Go(func() {
		rest, st := a.Administer(f.Body)
		s.done(f)
		if err := s.answer(f, AnswerHead{Status: st}, rest); err != nil {
			s.end(err)
		}
	})
	return nil
}
