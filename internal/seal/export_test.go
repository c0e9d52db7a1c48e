package seal

// SameIDs gives all keys the ID of the first, as chance may.
func (b *Box) SameIDs() {
	for i := range b.keys {
		b.keys[i].id = b.keys[0].id
	}
}

// SetID gives all keys the ID of other's first.
func (b *Box) SetID(other *Box) {
	for i := range b.keys {
		b.keys[i].id = other.keys[0].id
	}
}
