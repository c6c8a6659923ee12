-- Lives are counted upwards only.
UPDATE ops.epoch SET epoch = %(epoch)s WHERE epoch < %(epoch)s
