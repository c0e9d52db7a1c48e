// Package seal encrypts and authenticates small secrets that are kept where others can read or
// write: in a store or a cookie. Without a key no one can read a sealed value, change it, or use it
// in another place than it was sealed for.
//
// A sealed value is
//
//	1 byte    the version of this form, 1
//	4 bytes   the ID of the key
//	12 bytes  a random nonce
//	n bytes   the plain text, encrypted
//	16 bytes  the tag
//
// The cipher is AES-256-GCM. The tag also covers the version, the key ID and the context. The
// cipher's key and its ID are derived from the caller's key and the purpose by HKDF-SHA256 (RFC
// 5869), so one key may serve several purposes, and the ID reveals nothing about the key.
//
// A sealed value shows the length of the plain text. The package does not notice when someone puts
// back an older sealed value of the same context.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
)

const (
	// KeySize is the size of each key, in bytes.
	KeySize = 32
	// Overhead is how much longer than the plain text a sealed value is, in bytes.
	Overhead = headSize + nonceSize + tagSize

	version   = 1
	idSize    = 4
	headSize  = 1 + idSize
	nonceSize = 12
	tagSize   = 16
)

// A Box seals with its first key and opens with each of them. It is safe for concurrent use and
// prints without its keys.
//
// The nonces are random. Seal at most 2^32 values with one key for one purpose, in all processes
// together: beyond that two values may get the same nonce, which reveals both. That is a thousand a
// second for 49 days. If you seal that much, put a new key first in time.
type Box struct {
	keys []key
}

type key struct {
	id   [idSize]byte
	aead cipher.AEAD
}

// New returns a Box for a purpose, such as "csoauth tokens": what is sealed for one purpose does
// not open for another. Each key is 32 random bytes. To change keys, put the new one first and keep
// the old ones behind it until nothing is left that was sealed with them.
func New(purpose string, keys [][]byte) (*Box, error) {
	if len(keys) == 0 {
		return nil, errors.New("no key is given")
	}
	box := &Box{}
	for i, secret := range keys {
		if err := checkKey(secret); err != nil {
			return nil, fmt.Errorf("key %d %w", i+1, err)
		}
		k, err := derive(secret, purpose)
		if err != nil {
			return nil, fmt.Errorf("key %d: %w", i+1, err)
		}
		box.keys = append(box.keys, k)
	}
	return box, nil
}

func checkKey(secret []byte) error {
	if len(secret) != KeySize {
		return fmt.Errorf("has %d bytes, want %d", len(secret), KeySize)
	}
	if [KeySize]byte(secret) == [KeySize]byte{} {
		return errors.New("is all zero: it was never filled with random bytes")
	}
	return nil
}

func derive(secret []byte, purpose string) (key, error) {
	// One call yields both: no part of what HKDF returns says anything about the rest.
	material, err := hkdf.Key(sha256.New, secret, nil, "csoauth seal 1: "+purpose, KeySize+idSize)
	if err != nil {
		return key{}, err
	}
	block, err := aes.NewCipher(material[:KeySize])
	if err != nil {
		return key{}, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return key{id: [idSize]byte(material[KeySize:]), aead: aead}, err
}

// Seal encrypts plain. Open returns it only for the same context, which says where the value
// belongs, such as the name it is kept under. The context is not part of the sealed value and may
// be empty. The same plain text sealed twice looks different.
func (b *Box) Seal(plain, context []byte) []byte {
	k := b.keys[0]
	sealed := make([]byte, 0, Overhead+len(plain))
	sealed = append(sealed, version)
	sealed = append(sealed, k.id[:]...)
	return k.aead.Seal(sealed, nil, plain, bound(sealed, context))
}

// Open returns what was sealed, never nil without an error. The errors tell apart what is no sealed
// value, one of another version, one of another key, and one that was damaged, forged or moved from
// another place.
func (b *Box) Open(sealed, context []byte) ([]byte, error) {
	if len(sealed) > 0 && sealed[0] != version {
		return nil, fmt.Errorf("it has version %d, and this csoauth opens version %d: it is no sealed value, or a newer one", sealed[0], version)
	}
	if len(sealed) < Overhead {
		return nil, fmt.Errorf("it has %d bytes, and a sealed value has at least %d: it is no sealed value, or cut off", len(sealed), Overhead)
	}
	head, body := sealed[:headSize], sealed[headSize:]
	known := false
	for _, k := range b.keys {
		if k.id != [idSize]byte(head[1:]) {
			continue
		}
		known = true // but two keys may have the same ID by chance, so go on if it does not open
		if plain, err := k.aead.Open([]byte{}, nil, body, bound(head, context)); err == nil {
			return plain, nil
		}
	}
	if !known {
		return nil, fmt.Errorf("it was sealed with a key that is not among the %d given, or for another purpose", len(b.keys))
	}
	return nil, errForged
}

var errForged = errors.New("it was damaged or forged, or moved here from another place")

// bound returns what the tag covers besides the text. The head has a fixed size, so no two pairs
// give the same bytes.
func bound(head, context []byte) []byte {
	return append(append(make([]byte, 0, headSize+len(context)), head...), context...)
}

// Format prints no keys under any verb.
func (b Box) Format(f fmt.State, _ rune) { fmt.Fprint(f, b.String()) }

// String prints no keys.
func (b Box) String() string { return fmt.Sprintf("seal.Box(%d keys)", len(b.keys)) }
