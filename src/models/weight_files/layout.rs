//! How a tensor lies among the numbers that are stored for it.

/// Where the numbers of a tensor are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// Numbers before the first one.
    pub first: usize,
    /// Numbers from the first one to the last.
    pub span: usize,
    /// Numbers from one index of each dimension to the next.
    strides: Vec<usize>,
}

impl Layout {
    /// The layout of a tensor of `shape` whose storage has `stored` numbers; `None` if it does not fit in there.
    pub fn new(shape: &[usize], strides: &[usize], first: usize, stored: usize) -> Option<Self> {
        if shape.len() != strides.len() {
            return None;
        }
        let count = shape.iter().try_fold(1_usize, |count, &size| count.checked_mul(size))?;
        let last = shape.iter().zip(strides).try_fold(0_usize, |last, (&size, &stride)| {
            last.checked_add(size.saturating_sub(1).checked_mul(stride)?)
        })?;
        let span = if count == 0 { 0 } else { last.checked_add(1)? };
        let fits = first.checked_add(span)? <= stored && count <= stored;
        fits.then(|| Self { first, span, strides: strides.to_vec() })
    }

    /// The numbers of the tensor row by row, from those between its first and its last.
    pub fn arranged(&self, shape: &[usize], values: Vec<f32>) -> Vec<f32> {
        let mut inner = 1;
        let in_order = shape.iter().zip(&self.strides).rev().all(|(&size, &stride)| {
            let is_next = size == 1 || stride == inner;
            inner *= size;
            is_next
        });
        if in_order {
            return values;
        }
        let count = shape.iter().product();
        let place = |mut index: usize| {
            let mut place = 0;
            for (&size, &stride) in shape.iter().zip(&self.strides).rev() {
                place += index % size * stride;
                index /= size;
            }
            place
        };
        (0..count).map(|index| values[place(index)]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_arranged_row_by_row() {
        let values: Vec<f32> = (0_u8..6).map(f32::from).collect();
        let arranged = |shape: &[usize], strides: &[usize]| {
            Layout::new(shape, strides, 0, 6).unwrap().arranged(shape, values.clone())
        };
        assert_eq!(arranged(&[2, 3], &[3, 1]), values);
        assert_eq!(arranged(&[1, 2, 3], &[9, 3, 1]), values, "the stride of a single row says nothing");
        assert_eq!(arranged(&[3, 2], &[1, 3]), [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
        assert_eq!(arranged(&[2, 2], &[2, 1])[..4], [0.0, 1.0, 2.0, 3.0]);
    }

    #[test]
    fn a_tensor_outside_its_storage_is_refused() {
        assert_eq!(Layout::new(&[2, 3], &[3, 1], 1, 6), None);
        assert_eq!(Layout::new(&[2, 3], &[4, 1], 0, 6), None);
        assert_eq!(Layout::new(&[9], &[0], 0, 6), None, "more numbers than there are");
        assert_eq!(Layout::new(&[2], &[1, 1], 0, 6), None);
        assert_eq!(Layout::new(&[usize::MAX, 3], &[3, 1], 0, 6), None);
        assert_eq!(Layout::new(&[2, 2], &[usize::MAX, 1], 0, 6), None);
        assert_eq!(Layout::new(&[0, 3], &[3, 1], 6, 6).unwrap().span, 0);
    }
}
