UPDATE ops.epoch SET recounting = false WHERE recounting
